from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import coresnap
from coresnap.analysis.demangle import cplusplus, display_name, short_name
from coresnap.analysis.demangle.parameters import without_parameters

NAMES = {
    "main": "main",
    "_ZNSt6vectorIiSaIiEE9push_backERKi": (
        "std::vector<int, std::allocator<int> >::push_back"
    ),
    "_ZN12_GLOBAL__N_13fooEv": "(anonymous namespace)::foo",
    "_Z1fIiEvT_": "f<int>",
    "_ZN1AclEi": "A::operator()",
    "_ZlsRSoRK1A": "operator<<",
    "_Znwm": "operator new",
    "_ZN1AcviEv": "A::operator int",
    "_ZN1AltIiEEbT_": "A::operator< <int>",
    "_ZZ4mainENKUlvE_clEv": "main::{lambda()#1}::operator()",
    "_ZZ1fiENKUliE_clEi": "f(int)::{lambda(int)#1}::operator()",
    "_ZZNK1A3barEvENKUliE_clEi": "A::bar() const::{lambda(int)#1}::operator()",
    "_Z3foov.cold": "foo",
    "_Z3foov.constprop.0": "foo",
    "_Z3foov.isra.0.part.1.cold": "foo",
    "_ZL3foov.lto_priv.0": "foo",
    "_ZN1A3barEv.llvm.1234567": "A::bar",
    "_Z1fB5cxx11v": "f[abi:cxx11]",
    "_ZGVZ4mainE1x": "guard variable for main::x",
    "_Z1fPFivE": "f",
    "_Z1gIXgtLi1ELi0EEEvv": "g<((1)>(0))>",
    "_ZTV1A": "vtable for A",
    "_ZN4core3ptr13drop_in_place17h0123456789abcdefE": "core::ptr::drop_in_place",
    "_Znot_mangled": "_Znot_mangled",
    "_RNvCs1234_7mycrate4main": "mycrate::main",
    "_RNvCs1234_7mycrate4main.llvm.12": "mycrate::main",
    "_Rnot_mangled": "_Rnot_mangled",
    "walk.constprop.0": "walk",
    "walk.part.0.cold": "walk",
    "inner.0": "inner.0",
    "pthread_create@@GLIBC_2.34": "pthread_create",
    "memcpy@GLIBC_2.2.5": "memcpy",
    "_D4main3fooFiZv": "_D4main3fooFiZv",
    "pkg__procedure": "pkg__procedure",
    "main.(*server).serve": "main.(*server).serve",
    "__fortran_MOD_sub": "__fortran_MOD_sub",
    ".cold": ".cold",
    "@@": "@@",
    "": "",
}


@pytest.mark.libdw
@pytest.mark.parametrize(("symbol", "shown"), NAMES.items())
def test_a_symbol_is_shown_without_return_type_and_parameters(
    symbol: str, shown: str
) -> None:
    assert display_name(symbol) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("f(int)", "f"),
        ("int f<int>(int)", "f<int>"),
        ("f", "f"),
        ("(anonymous namespace)::g(int (*)(char))", "(anonymous namespace)::g"),
        ("f(", "f"),
        ("()", "()"),
        ("<<<<((((", "<<<<(((("),
        (")>>)", ")>>)"),
    ],
)
def test_parameters_are_taken_off_even_of_names_that_make_no_sense(
    name: str, shown: str
) -> None:
    assert without_parameters(name) == shown


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forget what was loaded and demangled, before and after."""
    caches = (cplusplus._demangler, display_name)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_a_name_stays_mangled_where_there_is_no_cplusplus_runtime(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr(cplusplus, "_RUNTIMES", (b"libnone-such.so.6",))
    assert display_name("_ZN12_GLOBAL__N_13fooEv") == "_ZN12_GLOBAL__N_13fooEv"


def test_names_are_demangled_where_the_extension_is_not_built(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setitem(sys.modules, "coresnap._libdw", None)
    monkeypatch.delattr(coresnap, "_libdw", raising=False)
    if cplusplus._demangler() is None:
        pytest.skip("no C++ runtime is installed")
    assert display_name("_Z1fIiEvT_") == "f<int>"


def test_a_name_of_absurd_length_is_left_alone() -> None:
    name = "_Z" + "1f" * 100_000
    assert display_name(name) == name


TEXT = st.text(alphabet="_ZRNSITEJXLDpsCMBFKU0123456789abchi.@$", max_size=60)


@given(st.sampled_from(["_Z", "_ZN", "_R", "_RNv", "_RINv", ""]), TEXT)
def test_whatever_a_symbol_is_called_it_has_a_name(start: str, rest: str) -> None:
    shown = display_name(start + rest)
    assert shown or not start + rest


@pytest.mark.libdw
@pytest.mark.parametrize(
    ("function", "symbol", "short"),
    [
        ("main", None, None),
        ("std::vector<int, std::allocator<int> >::at", None, "std::vector<int>::at"),
        (
            "shop::{impl#3}::fmt<i32>",
            "_RNvXs2_C4shopNtB5_5OrderNtNtC4core3fmt5Debug3fmt",
            "<shop::Order as Debug>::fmt",
        ),
        ("shop::{impl#3}::fmt", "fmt", None),
        ("shop::{impl#3}::fmt", None, None),
    ],
)
def test_a_short_name_says_whose_implementation_it_is(
    function: str, symbol: str | None, short: str | None
) -> None:
    assert short_name(function, symbol) == short
