"""Crashed Python programs: the same frames as faulthandler wrote while they died."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conftest import KernelCore
from coresnap.model import Frame, Trust
from pythoncrash import SCRIPT, interpreted, run
from pythons import Python, pythons

pytestmark = [pytest.mark.core_pattern, pytest.mark.libdw]

SCENARIOS = (
    "read",
    "abort",
    "callback",
    "generator",
    "coroutine",
    "thread",
    "recursion",
    "constructor",
    "class_body",
    "executed",
    "operators",
)
ALL = [p for p in pythons() if not p.free_threaded]
needs_python = pytest.mark.skipif(not ALL, reason="no CPython from 3.9 on is installed")
each_python = pytest.mark.parametrize("python", ALL, ids=str)


def described(frames: Sequence[Frame]) -> list[tuple[str, int | None, str]]:
    return [
        (f.file or "", f.line, (f.function or "").rpartition(".")[2]) for f in frames
    ]


@needs_python
@each_python
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_python_frames_are_those_that_faulthandler_saw(
    kernel_core: KernelCore, python: Python, scenario: str
) -> None:
    crashed = run(kernel_core, python, scenario)
    found = [described(interpreted(thread)) for thread in crashed.snapshot.threads]
    found = [stack for stack in found if stack]
    assert len(found) == len(crashed.stacks) > 0
    assert found[0][: crashed.stacks[0].limit] == crashed.stacks[0].frames
    others = [stack.frames for stack in crashed.stacks[1:]]
    assert sorted(map(str, found[1:])) == sorted(map(str, others))
    assert found[0][-1][2] in ("<module>", "_bootstrap")
    for note in crashed.snapshot.notes:
        assert note.step != "interpreters" or "exception" in note.message


@needs_python
@each_python
def test_each_frame_says_which_interpreter_runs_it_where(
    kernel_core: KernelCore, python: Python
) -> None:
    thread = run(kernel_core, python, "callback").snapshot.threads[0]
    native = {f.pc for f in thread.frames if not f.interpreter}
    for frame in interpreted(thread):
        assert frame.interpreter == python.name
        assert frame.trust is Trust.INTERPRETER
        assert frame.language == "Python"
        assert frame.pc in native
        assert frame.module is not None


@needs_python
@each_python
def test_native_frames_stand_between_the_python_frames_that_they_are_between(
    kernel_core: KernelCore, python: Python
) -> None:
    thread = run(kernel_core, python, "callback").snapshot.threads[0]
    order = [
        f.function
        for f in thread.frames
        if f.interpreter or "qsort" in (f.function or "")
    ]
    names = [(name or "").rpartition(".")[2] for name in order]
    within, sorting = names.index("compare"), names.index("callback")
    assert names[: within + 1] == ["string_at", "crash", "compare"]
    assert any("qsort" in name for name in names[within:sorting])
    assert not any("qsort" in name for name in names[:within])


@needs_python
@each_python
def test_the_source_of_a_python_frame_is_shown(
    kernel_core: KernelCore, python: Python
) -> None:
    thread = run(kernel_core, python, "read").snapshot.threads[0]
    frame = next(f for f in interpreted(thread) if f.function == "crash")
    assert frame.source_start is not None
    assert frame.line is not None
    assert "ctypes.string_at(1)" in frame.source[frame.line - frame.source_start]


@needs_python
@each_python
def test_the_exception_that_is_handled_is_noted(
    kernel_core: KernelCore, python: Python
) -> None:
    snapshot = run(kernel_core, python, "callback").snapshot
    assert any(
        "Python exception being handled: ValueError('no good', 3)" in note.message
        for note in snapshot.notes
    )


@needs_python
@each_python
def test_frames_of_a_subinterpreter_are_those_of_its_thread(
    kernel_core: KernelCore, python: Python
) -> None:
    thread = run(kernel_core, python, "subinterpreter").snapshot.threads[0]
    names = [frame.function for frame in interpreted(thread)]
    assert names == ["within", "<module>", "subinterpreter", "<module>"]


@pytest.fixture
def extension_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.mark.compiler
@needs_python
@each_python
def test_an_extension_that_crashes_stands_below_the_python_that_called_it(
    kernel_core: KernelCore, python: Python, extension_directory: Path
) -> None:
    if not (python.include / "Python.h").exists():
        pytest.skip(f"no headers of Python {python} in {python.include}")
    library = extension_directory / "crasher.so"
    source = SCRIPT.with_name("crasher.c")
    flags = ["-g", "-O1", "-shared", "-fPIC"]
    flags += [f"-I{python.include}", f"-I{python.include.parent}"]
    subprocess.run(
        ["cc", *flags, str(source), "-o", str(library)],
        check=True,
    )
    crashed = run(kernel_core, python, "extension", str(extension_directory))
    thread = crashed.snapshot.threads[0]
    assert described(interpreted(thread)) == crashed.stacks[0].frames
    wanted = ("crash", "extension.<locals>.<lambda>", "<lambda>", "call", "extension")
    order = [
        frame.function
        for frame in thread.frames
        if frame.function in wanted
        and (frame.interpreter or "crasher" in str(frame.module))
    ]
    assert [str(name).rpartition(".")[2] for name in order] == [
        "crash",
        "<lambda>",
        "call",
        "extension",
    ]
