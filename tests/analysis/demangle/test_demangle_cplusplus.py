from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.demangle.cplusplus import demangle_cplusplus
from coresnap.analysis.demangle.expansion import expanded_size

pytestmark = pytest.mark.libdw


@pytest.fixture(scope="module")
def symbols() -> list[tuple[str, str]]:
    """(symbol, as c++filt writes it) of everything that the C++ runtime exports."""
    if not (shutil.which("nm") and shutil.which("c++filt")):
        pytest.skip("not installed: nm, c++filt")
    found = subprocess.run(
        ["cc", "-print-file-name=libstdc++.so.6"], capture_output=True, text=True
    )
    library = Path(found.stdout.strip())
    if not library.is_absolute():
        pytest.skip("the compiler has no libstdc++.so.6")
    listed = subprocess.run(
        ["nm", "-D", library], capture_output=True, text=True, check=True
    )
    names = sorted(set(re.findall(r" (_Z[^@\s]+)", listed.stdout)))
    filtered = subprocess.run(
        ["c++filt", "--no-verbose"],
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=True,
    )
    return list(zip(names, filtered.stdout.splitlines(), strict=True))


@pytest.mark.compiler
def test_names_of_the_runtime_are_those_of_cplusplus_filt(
    symbols: list[tuple[str, str]],
) -> None:
    different = [(n, shown) for n, shown in symbols if demangle_cplusplus(n) != shown]
    # Binutils may be newer than the runtime.
    assert len(different) <= len(symbols) // 100, different[:10]


@pytest.mark.compiler
def test_no_name_is_longer_than_what_was_told_before(
    symbols: list[tuple[str, str]],
) -> None:
    assert [n for n, shown in symbols if expanded_size(n) < len(shown)] == []


def doubling(levels: int) -> str:
    """A name of which each part holds the one before twice."""
    name = "_Z1f1a1pIS_S_E"
    for level in range(1, levels + 1):
        reference = f"S{base36(level)}_"
        name += f"S0_I{reference}{reference}E"
    return name


def base36(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    high, low = divmod(number, 36)
    return (base36(high) if high else "") + digits[low]


def test_a_name_that_doubles_with_every_part_is_measured_not_written() -> None:
    for levels in range(9):
        shown = demangle_cplusplus(doubling(levels))
        assert shown is not None
        assert len(shown) <= expanded_size(doubling(levels)) < 20 * len(shown)
    # Written out, this one would outlast the universe.
    assert expanded_size(doubling(200)) > 1 << 200
    assert demangle_cplusplus(doubling(200)) is None


def test_packs_that_grow_by_each_other_are_measured_not_written() -> None:
    name = "_Z1fIJ" + "i" * 400 + "EEv" + "Dp" * 100 + "T_"
    assert expanded_size(name) > 1 << 100
    assert demangle_cplusplus(name) is None


def test_what_nests_deeper_than_the_stack_is_left_alone() -> None:
    assert demangle_cplusplus("_Z1f" + "P" * 100_000 + "i") is None
    assert expanded_size("_Z1f" + "1aI" * 1000) > 0


@pytest.mark.parametrize(
    "name",
    [
        "_ZTv0_n24_NSoD0Ev",
        "_ZThn48_N1AD0Ev",
        "_ZZ4mainENKUlvE_clEv",
        "_ZN1AUt_C2Ev",
        "_Z1gIXgtLi1ELi0EEEvv",
        "_Z1fIXadL_Z1gvEEEvv",
        "_ZSt7forwardIRiEOT_RNSt16remove_referenceIS1_E4typeE",
        "_ZNSt6threadC2IRFvivEJiEvEEOT_DpOT0_",
        "_Z1fM1AFivEA3_i",
    ],
)
def test_the_measure_covers_what_is_written(name: str) -> None:
    shown = demangle_cplusplus(name)
    assert shown is not None
    assert expanded_size(name) >= len(shown)


@given(st.text(alphabet="_NSITEJXLDpsCMBFKUtl0123456789abchi", max_size=80))
def test_any_text_is_measured(text: str) -> None:
    assert expanded_size(f"_Z{text}") >= 0
