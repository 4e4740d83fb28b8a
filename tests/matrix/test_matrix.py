"""A few cells of the matrix, and that its cells meet as they should."""

from __future__ import annotations

import itertools
from pathlib import Path

import attrs
import pytest

from coresnap.model import Frame, Trust
from matrix.commands import why_missing
from matrix.crashes import Crash, crash_all
from matrix.design import Cell, choose_cells, is_allowed
from matrix.names import same_function
from matrix.recipe import build
from matrix.table import share_of_values, write_table
from matrix.verdict import Verdict, judge

FEW = [
    Cell("gcc C", "-O0", "-g2", "5", "plain", "handler"),
    Cell("gcc C", "-O2", "-g3", "4", "build-id", "callback"),
    Cell("gcc C", "-O3", "-g2", "5", "static", "thread"),
    Cell("gcc C++", "-O0", "-g2", "4", "split", "own"),
    Cell("gcc C++", "-O2", "-g2", "5", "debug-link", "catch"),
    Cell("clang C", "-O1", "-g2", "5", "plain", "thread"),
    Cell("clang C++", "-O2", "-g2", "5", "compressed", "write"),
    Cell("rustc Rust", "-O1", "-g2", "5", "plain", "own"),
]
VALUES = 0.98
"""Share that is at least equal; the whole matrix tells what is not."""


@pytest.fixture(scope="module")
def crashes(
    core_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[Cell, Crash]:
    """The few programs, crashed in one hold of core_pattern."""
    directory = tmp_path_factory.mktemp("matrix")
    there = [cell for cell in FEW if why_missing(cell) is None]
    built = [
        (cell, build(cell, directory / str(number)))
        for number, cell in enumerate(there)
    ]
    found, failures = crash_all(built, core_directory)
    assert failures == {}
    return {crash.cell: crash for crash in found}


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.elfutils
@pytest.mark.gdb
@pytest.mark.libdw
@pytest.mark.parametrize("cell", FEW, ids=[cell.name for cell in FEW])
def test_a_generated_program_is_read_as_gdb_reads_it(
    cell: Cell, request: pytest.FixtureRequest
) -> None:
    if reason := why_missing(cell):
        pytest.skip(reason)
    verdict = judge(request.getfixturevalue("crashes")[cell])
    assert verdict.equal_frames == verdict.frames > 5, verdict.reasons
    assert share_of_values([verdict]) >= VALUES, verdict.reasons
    assert verdict.values.agreed > 100
    assert verdict.equal_eu_frames >= verdict.eu_frames * 0.9, verdict.eu_reasons


def test_every_two_values_that_can_meet_meet_in_a_cell() -> None:
    chosen = choose_cells()
    assert all(is_allowed(cell) for cell in chosen)
    assert 100 < len(chosen) < 250
    met = {pair for cell in chosen for pair in pairs(cell)}
    assert ("rustc Rust", "thin-lto") in met
    assert ("rustc Rust", "i386") not in met
    for cell in chosen:
        for other in chosen:
            mixed = attrs.evolve(cell, way=other.way, optimisation=other.optimisation)
            if is_allowed(mixed):
                assert set(pairs(mixed)) <= met


def pairs(cell: Cell) -> list[tuple[str, str]]:
    return list(itertools.combinations(attrs.astuple(cell), 2))


def test_the_same_cells_are_chosen_each_time() -> None:
    assert choose_cells() == choose_cells()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("raise", "__GI_raise"),
        ("msort_with_tmp", "msort_with_tmp.part.0"),
        ("shapes::fly", "fly"),
        ("shapes::aim<long int>", "shapes::aim<long>"),
        ("shapes::fly", "shapes::fly(std::string const&, int) [clone .constprop.0]"),
        ("std::process::abort", "std[e28293b1aa0f68bd]::process::abort"),
        ("program::fail", "program::fail::h473c58ab3deaaf9d"),
        ("clock_nanosleep", "clock_nanosleep@GLIBC_2.2.5"),
    ],
)
def test_spelling_makes_no_other_function(ours: str, theirs: str) -> None:
    assert same_function(Frame(0, Trust.CFI, function=ours), theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("raise", "abort"),
        (None, "abort"),
        ("shapes::fly", "shapes::land"),
        ("shapes::fly", "shapes::fly::inner"),
        ("program::fail", "program::fall::h473c58ab3deaaf9d"),
    ],
)
def test_another_function_is_another(ours: str | None, theirs: str) -> None:
    assert not same_function(Frame(0, Trust.CFI, function=ours), theirs)


def test_the_table_tells_what_differs_and_what_failed() -> None:
    good = Verdict(FEW[0], frames=10, equal_frames=10, eu_frames=10, equal_eu_frames=9)
    good.values.agreed = 50
    bad = Verdict(FEW[1], frames=10, equal_frames=9, reasons=["#3 main: line 4, gdb 5"])
    bad.values.differ("x: 1, gdb 2", 50)
    broken = Verdict(FEW[2], failure="no core: status 2")
    text = write_table([good, bad, broken])
    assert "1 of 3 programs pass; frames equal to gdb's 95.00 % of 20, " in text
    assert "values 50.00 % of 100" in text
    assert "| gcc C | plain | -O0 | -g2 | 5 | handler | pass | 100.00 % of 10 |" in text
    assert "  - `#3 main: line 4, gdb 5`" in text
    assert "  - `no core: status 2`" in text
