from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.demangle.rust_legacy import demangle_rust_legacy
from coresnap.analysis.demangle.rust_v0 import demangle_rust_v0

# Examples of https://doc.rust-lang.org/rustc/symbol-mangling/v0.html, and each rule of
# its grammar at least once.
V0 = {
    "_RNvCskwGfYPst2Cb_3foo16example_function": "foo::example_function",
    "_RNvNtCs1234_7mycrate3foo3bar": "mycrate::foo::bar",
    "_RNvC6_123foo3bar": "123foo::bar",
    "_RNvCs7qp2U7fqm6G_7mycrateu9gdel_5qa6g": None,
    "_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y": (
        "utf8_idents::საჭმელად_გემრიელი_სადილი"
    ),
    "_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_": ("cc::spawn::{closure#0}::{closure#0}"),
    "_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator"
    "8Iterator9rpositionNCNgNpB9_6memchr7memrchrs_0E0Bb_": (
        "<core::slice::Iter<u8> as core::iter::iterator::Iterator>::rposition"
        "::<core::slice::memchr::memrchr::{closure#1}>::{closure#0}"
    ),
    "_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_"
    "ECs1iopQbuBiw2_3std": (
        "alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>"
    ),
    "_RINtC8arrayvec8ArrayVechKj7b_E": "arrayvec::ArrayVec::<u8, 123>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKhb_E": (
        "<const_generic::Unsigned<11>>"
    ),
    "_RMCs4fqI2P2rA04_13const_genericINtB0_6SignedKln7f_E": (
        "<const_generic::Signed<-127>>"
    ),
    "_RMCs4fqI2P2rA04_13const_genericINtB0_4BoolKb1_E": "<const_generic::Bool<true>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_4CharKc76_E": "<const_generic::Char<'v'>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_4CharKca_E": (
        "<const_generic::Char<'\\n'>>"
    ),
    "_RMCs4fqI2P2rA04_13const_genericINtB0_3FooKpE": "<const_generic::Foo<_>>",
    "_RIC3fooRe": None,
    "_RIC3fooReRLh_E": None,
    "_RIC3fooReQhPlOxAhj3_SmTuEE": (
        "foo::<&str, &mut u8, *const i32, *mut i64, [u8; 3], [u32], ((),)>"
    ),
    "_RIC3fooReQhPlOxAhj3_SmTtETasEE": (
        "foo::<&str, &mut u8, *const i32, *mut i64, [u8; 3], [u32], (u16,), (i8, i16)>"
    ),
    "_RIC3fooFUKCPheEuE": 'foo::<unsafe extern "C" fn(*const u8, str)>',
    "_RIC3fooFK11cmse_nonsecEbE": 'foo::<extern "cmse-nonsec" fn() -> bool>',
    "_RIC3fooFK4fastEbE": 'foo::<extern "fast" fn() -> bool>',
    "_RIC3fooFG_RL0_hEyE": "foo::<for<'a> fn(&'a u8) -> u64>",
    "_RIC3fooDNtC1a1TNtC1b1UEL_E": "foo::<dyn a::T + b::U>",
    "_RIC3fooDG0_INtC1a1TRL1_hRL0_hEEL_E": (
        "foo::<dyn for<'a, 'b> a::T<&'a u8, &'b u8>>"
    ),
    "_RYNtC1a1SNtC1b1TNvB5_": None,
    "_RNvYNtC1a1SNtC1b1T1f": "<a::S as b::T>::f",
    "_RNSC1a4vtbl": "a::{shim:vtbl#0}",
    "_RIC3fooKRe616263_E": 'foo::<"abc">',
    "_RIC3fooKe27_E": 'foo::<{*"\'"}>',
    "_RIC3fooKAh1_h2_EE": "foo::<{[1, 2]}>",
    "_RIC3fooKTh1_b0_EE": "foo::<{(1, false)}>",
    "_RIC3fooKVNtC1a1SS1xh1_1yRh2_EE": "foo::<{a::S { x: 1, y: &2 }}>",
    "_RIC3fooKVNtC1a1ST1_E": None,
    "_RIC3fooKVNtC1a1UUE": "foo::<{a::U}>",
    "_RIC3fooKy123456789abcdef01_E": "foo::<0x123456789abcdef01>",
    "_RNvC3foo3bar.llvm.123": "foo::bar",
    "_R3foo": None,
    "_RB_": None,
    "_RNvB_1a": None,
    "_RNvC2a.1c": None,
    "_RNvC3fo": None,
    "_R": None,
}

LEGACY = {
    "_ZN4core3ptr13drop_in_place17h0123456789abcdefE": "core::ptr::drop_in_place",
    "_ZN4testE": None,
    "_ZN8$RF$test17h0123456789abcdefE": "&test",
    "_ZN13test$u20$test17h0123456789abcdefE": "test test",
    "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
    "3bar17h930b740aa94f1d3aE": "<Test + 'static as foo::Bar<Test>>::bar",
    "_ZN27_$LP$$BP$const$u20$T$C$$RP$1f17h0123456789abcdefE": "(*const T,)::f",
    "_ZN3std5panic28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE": (
        "std::panic::{{closure}}"
    ),
    "_ZN9$uffffff$17h0123456789abcdefE": "$uffffff$",
    "_ZN9foo17h0123456789abcdefE": None,
    "_ZN3foo17h0123456789ABCDEFE": None,
}


@pytest.mark.parametrize(("symbol", "shown"), V0.items())
def test_v0_names_are_those_of_the_specification(
    symbol: str, shown: str | None
) -> None:
    assert demangle_rust_v0(symbol) == shown


@pytest.mark.parametrize(("symbol", "shown"), LEGACY.items())
def test_legacy_names_are_paths_without_their_hash(
    symbol: str, shown: str | None
) -> None:
    assert demangle_rust_legacy(symbol) == shown


def test_a_path_that_repeats_itself_without_end_is_no_name() -> None:
    # Each tuple holds the one before four times.
    name = "_RIC1aThhhhE"
    place = 3
    for _ in range(40):
        here = len(name) - 2
        name += "T" + f"B{base62(place)}" * 4 + "E"
        place = here
    assert demangle_rust_v0(f"{name}E") is None
    assert demangle_rust_v0("_RIC1a" + "R" * 100_000 + "hE") is None


def base62(number: int) -> str:
    """base-62-number of the specification."""
    if number == 0:
        return "_"
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    text = ""
    number -= 1
    while True:
        number, low = divmod(number, 62)
        text = digits[low] + text
        if not number:
            return f"{text}_"


@given(
    st.sampled_from(["NvC1a", "INvC1a1b", "XC1a", "MC1a", "YC1a", "IC1aK", "IC1aD"]),
    st.text(alphabet="BCDEFGIKLMNPQRSTUVWXYabcehlnpsuvy0123456789_", max_size=50),
)
def test_any_text_is_a_name_or_none(start: str, rest: str) -> None:
    shown = demangle_rust_v0(f"_R{start}{rest}")
    assert shown is None or len(shown) <= 64 << 10
    demangle_rust_legacy(f"_ZN{start}{rest}17h0123456789abcdefE")


PROGRAM = Path(__file__).with_name("names.rs")


def test_names_of_a_program_are_those_of_cplusplus_filt(tmp_path: Path) -> None:
    for tool in ("rustc", "nm", "c++filt"):
        if shutil.which(tool) is None:
            pytest.skip(f"not installed: {tool}")
    program = tmp_path / "names"
    command = [
        "rustc",
        "-g",
        "-Csymbol-mangling-version=v0",
        "-o",
        str(program),
        str(PROGRAM),
    ]
    build = subprocess.run(command, capture_output=True, text=True)
    if build.returncode:
        pytest.skip(f"rustc: {build.stderr.strip()}")
    listed = subprocess.run(["nm", program], capture_output=True, text=True, check=True)
    names = sorted(set(re.findall(r" (_R\S+)", listed.stdout)))
    shown = subprocess.run(
        ["c++filt", "--no-verbose"],
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(names) > 100
    # Older binutils do not know the newest parts of the grammar.
    known = [(n, s) for n, s in zip(names, shown, strict=True) if n != s]
    assert [(n, s) for n, s in known if demangle_rust_v0(n) != s] == []
