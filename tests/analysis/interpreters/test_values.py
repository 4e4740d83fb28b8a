"""Locals of a crashed Python program: their values, whatever the version."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import KernelCore
from coresnap.analysis.session import analyze
from coresnap.model import Frame, Snapshot, VariableKind
from pythoncrash import Crashed, crashed_core, frame_of, plain, run
from pythons import Python, pythons

pytestmark = [
    pytest.mark.core_pattern,
    pytest.mark.skipif(not pythons(), reason="no CPython from 3.9 on is installed"),
]
each_python = pytest.mark.parametrize(
    "python", [p for p in pythons() if not p.free_threaded], ids=str
)

EXPECTED = {
    "positional": ("int", -3),
    "normal": ("int", str(2**70)),
    "rest": ("tuple", ["rest"]),
    "keyword": ("float", 1.5),
    "more": ("dict", {"['more']": 1}),
    "nothing": ("NoneType", "None"),
    "truth": ("bool", True),
    "small": ("int", 255),
    "word": ("int", 2**31),
    "largest": ("int", 2**64 - 1),
    "huge": ("int", str(-(10**40))),
    "infinite": ("float", float("inf")),
    "ascii": ("str", "plain"),
    "latin": ("str", "gr\u00fcn"),
    "wide": ("str", "\u65e5\u672c"),
    "astral": ("str", "\U0001f389!"),
    "own_text": ("Text", "derived"),
    "raw": ("bytes", "a\0\\xff"),
    "empty": ("tuple", "0 items"),
    "pair": ("tuple", [1, "two"]),
    "numbers": ("list", [1, 2, [3, [4]]]),
    "table": (
        "dict",
        {"['a']": 1, "[2]": [3], "[None]": "none", "[(1, 2)]": "x"},
    ),
    "unique": ("set", [5]),
    "frozen": ("frozenset", ["f"]),
    "point": ("Point", {"x": 1, "y": [2]}),
    "later": ("Point", {"x": 3, "y": 4, "z": 5}),
    "error": ("KeyError", "KeyError('missing', 7)"),
    "captured": ("str", "in a cell"),
}
ARGUMENTS = ["positional", "normal", "keyword", "rest", "more"]


RUNS: dict[Python, Crashed] = {}


def frame_with_values(kernel_core: KernelCore, python: Python) -> Frame:
    if python not in RUNS:
        RUNS[python] = run(kernel_core, python, "values")
    return frame_of(RUNS[python].snapshot, "values")


@pytest.fixture
def frame(kernel_core: KernelCore, python: Python) -> Frame:
    return frame_with_values(kernel_core, python)


@each_python
def test_values_are_those_that_the_program_gave(frame: Frame) -> None:
    found = {v.name: (v.type, plain(v)) for v in frame.variables}
    assert {name: found.get(name) for name in EXPECTED} == EXPECTED


@each_python
def test_arguments_come_first_and_are_told_from_locals(frame: Frame) -> None:
    kinds = [(v.name, v.kind) for v in frame.variables]
    arguments = [name for name, kind in kinds if kind is VariableKind.ARGUMENT]
    assert arguments == ARGUMENTS
    assert [name for name, _ in kinds[: len(ARGUMENTS)]] == ARGUMENTS


@each_python
def test_names_without_a_value_are_left_out(frame: Frame) -> None:
    names = {v.name for v in frame.variables}
    assert not names & {"zero", "unbound"}


@each_python
def test_what_is_cut_says_so(frame: Frame) -> None:
    many = next(v for v in frame.variables if v.name == "many")
    assert (many.text, len(many.items), many.truncated) == ("100 items", 20, True)
    whole = next(v for v in frame.variables if v.name == "pair")
    assert not whole.truncated


@each_python
def test_what_holds_itself_ends(frame: Frame) -> None:
    depth, value = 0, next(v for v in frame.variables if v.name == "loop")
    while value.items:
        depth, value = depth + 1, value.items[-1]
    assert 1 < depth < 10
    assert value.truncated


@each_python
def test_functions_classes_and_objects_say_what_they_are(frame: Frame) -> None:
    texts = {v.name: v.text or "" for v in frame.variables}
    assert texts["function"].startswith("<function crash at 0x")
    assert texts["kind"] in ("<class 'Point'>", "<class '__main__.Point'>")
    assert texts["slotted"].startswith("<Slotted object at 0x")


@each_python
def test_a_modules_body_shows_the_names_that_hold_data(
    kernel_core: KernelCore, python: Python
) -> None:
    snapshot = run(kernel_core, python, "class_body").snapshot
    body = frame_of(snapshot, "Broken")
    assert {v.name: v.value for v in body.variables}["value"] == 1
    names = {v.name for v in frame_of(snapshot, "<module>").variables}
    assert not names & {"crash", "os", "Account", "__name__"}


@each_python
def test_without_any_file_the_core_still_tells_frames_lines_and_values(
    kernel_core: KernelCore, python: Python, tmp_path: Path
) -> None:
    def without_files(core: Path) -> Snapshot:
        return analyze(core, sysroot=tmp_path)

    snapshot = run(kernel_core, python, "values", analysis=without_files).snapshot
    assert not any(m.file for m in snapshot.modules)
    whole = frame_with_values(kernel_core, python)
    frame = frame_of(snapshot, "values")
    assert frame.line == whole.line
    assert {v.name for v in frame.variables} == {v.name for v in whole.variables}
    values = {v.name: plain(v) for v in frame.variables}
    for name in ("normal", "wide", "numbers", "more", "largest"):
        assert values[name] == EXPECTED[name][1]


@each_python
def test_a_core_cut_anywhere_gives_frames_or_a_note(
    kernel_core: KernelCore, python: Python
) -> None:
    with crashed_core(kernel_core, python, "callback") as (core, _):
        size = core.stat().st_size
        for part in (9, 7, 5, 3):
            with core.open("r+b") as file:
                file.truncate(size * part // 10)
            snapshot = analyze(core)
            notes = [n.message for n in snapshot.notes if n.step == "interpreters"]
            frames = [f for f in snapshot.threads[0].frames if f.interpreter]
            assert frames or notes
            assert not any("Error:" in message for message in notes)
