"""The interface for a project's own printers (docs/pretty.md)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shown import held, variables

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis import entry_points
from coresnap.model import Snapshot
from coresnap.pretty import (
    CorruptValueError,
    Present,
    Presentation,
    Trial,
    Value,
    ValueType,
    try_printer,
)
from coresnap.snapshot.container import write_snapshot

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]


def point(type: ValueType) -> Present | None:
    if type.bare_name != "geometry::Point":
        return None
    return lambda value: Presentation(f"({value['x'].number}, {value['y'].number})")


def stack(type: ValueType) -> Present | None:
    used, room = type.slot("used"), type.slot("room")
    first, element = type.slot("first"), type.argument(0)
    if type.bare_name != "geometry::Stack" or used is None or room is None:
        return None
    if first is None or element is None:
        return None

    def present(value: Value) -> Presentation:
        count = value.integer(used)
        if count > value.integer(room):
            raise CorruptValueError(f"{count} used of {value.integer(room)}")
        found = value.elements(element, value.integer(first), count)
        items = ((f"[{index}]", one) for index, one in enumerate(found))
        return Presentation(f"Stack of {count}", items, count)

    return present


def careless(type: ValueType) -> Present | None:
    if type.bare_name != "geometry::Point":
        return None
    return lambda value: Presentation(str(value["z"].number))


@pytest.fixture(scope="module")
def core(compile_program: CompileProgram, kernel_core: KernelCore) -> Path:
    return kernel_core([compile_program("geometry.cc", "-g", "-O0")])


@pytest.fixture(scope="module")
def snapshot(core: Path) -> Snapshot:
    return coresnap.analyze(core)


def texts(trial: Trial) -> dict[str, str | None]:
    return {
        one.place.partition("main: ")[2]: one.variable.text for one in trial.presented
    }


def test_a_printer_is_tried_on_a_core(core: Path) -> None:
    trial = try_printer(point, core)
    found = texts(trial)
    assert found["corner"] == "(3, 4)"
    assert found["to_corner → *"] == "(3, 4)"
    assert found["place.geometry::Point"] == "(5, 6)"
    assert trial.problems == ()


def test_a_printer_is_tried_on_a_snapshot_without_core_or_debug_information(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    file = tmp_path / "crash.snap"
    write_snapshot(snapshot, file)
    for source in (snapshot, file):
        trial = try_printer(point, source)
        found = texts(trial)
        assert found["corner"] == "(3, 4)"
        assert found["place.geometry::Point"] == "(5, 6)"
        assert trial.problems == ()


def test_elements_come_from_memory_and_damage_is_told(
    core: Path, snapshot: Snapshot
) -> None:
    for source in (core, snapshot):
        trial = try_printer(stack, source)
        found = {one.variable.name: one.variable for one in trial.presented}
        assert found["filled"].text == "Stack of 2"
        assert held(found["filled"]) == [7, 8]
        text = "corrupt or not initialised: 5 used of 3"
        assert found["broken"].text == text
        assert found["broken"].members, "the raw view"


def test_a_printer_that_fails_leaves_the_raw_view_and_says_why(
    core: Path, snapshot: Snapshot
) -> None:
    for source in (core, snapshot):
        trial = try_printer(careless, source)
        assert trial.problems
        assert (
            "printer careless failed on geometry::Point: KeyError" in trial.problems[0]
        )
        corner = next(
            p.variable for p in trial.presented if p.variable.name == "corner"
        )
        assert {m.name: m.value for m in corner.members} == {"x": 3, "y": 4}


PACKAGE = """
from coresnap.pretty import Presentation

def point(type):
    if type.bare_name == "geometry::Point":
        return lambda value: Presentation(f"x={value['x'].number}")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that brings two printers along, one of which is not there."""
    (tmp_path / "geometry_printers.py").write_text(PACKAGE)
    metadata = tmp_path / "geometry_printers-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: geometry-printers\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[coresnap.pretty]\n"
        "point = geometry_printers:point\n"
        "lost = geometry_printers:lost\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry_points.installed.cache_clear()
    entry_points.entry_point_files.cache_clear()
    yield
    entry_points.installed.cache_clear()
    entry_points.entry_point_files.cache_clear()
    sys.modules.pop("geometry_printers", None)


@pytest.mark.usefixtures("package")
def test_an_installed_printer_is_used_and_one_that_is_lost_leaves_a_note(
    core: Path,
) -> None:
    snapshot = coresnap.analyze(core)
    assert variables(snapshot.threads[0].frames, "main")["corner"].text == "x=3"
    notes = [note.message for note in snapshot.notes if note.step == "pretty"]
    assert len(notes) == 1
    assert "entry point lost (geometry_printers:lost) cannot be loaded" in notes[0]


def test_nothing_of_the_standard_machinery_is_loaded_where_nothing_is_installed() -> (
    None
):
    script = """
import sys
from coresnap.analysis.entry_points import installed
assert installed("coresnap.pretty") == ({}, ()), "something is installed here"
assert "importlib.metadata" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
