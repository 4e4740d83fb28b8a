"""Runs tests/cores/python/crashes.py under an interpreter, and analyses its core."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from conftest import SOURCES, KernelCore
from coresnap.analysis.session import analyze
from coresnap.model import Frame, Snapshot, Thread, Variable
from pythons import FaultStack, Python, fault_stacks

SCRIPT = SOURCES / "python" / "crashes.py"


@attrs.frozen
class Crashed:
    """What became of one run."""

    snapshot: Snapshot
    stacks: list[FaultStack]
    """What faulthandler said, the crashed thread first."""


@contextmanager
def crashed_core(
    kernel_core: KernelCore, python: Python, scenario: str, *more: str
) -> Iterator[tuple[Path, list[FaultStack]]]:
    """The core of a run, for as long as it is needed, and what faulthandler said."""
    with tempfile.NamedTemporaryFile("r") as said:
        core = kernel_core([*python.command, str(SCRIPT), scenario, said.name, *more])
        try:
            yield core, fault_stacks(said.read())
        finally:
            core.unlink()


def run(
    kernel_core: KernelCore,
    python: Python,
    scenario: str,
    *more: str,
    analysis: Callable[[Path], Snapshot] = analyze,
) -> Crashed:
    """Run a scenario, and analyse what it leaves."""
    with crashed_core(kernel_core, python, scenario, *more) as (core, stacks):
        return Crashed(analysis(core), stacks)


def interpreted(thread: Thread) -> list[Frame]:
    """The Python frames of a thread."""
    return [frame for frame in thread.frames if frame.interpreter]


def frame_of(snapshot: Snapshot, function: str) -> Frame:
    """The innermost Python frame of a function in the crashed thread."""
    return next(
        f
        for f in interpreted(snapshot.threads[0])
        if (f.function or "").rpartition(".")[2] == function
    )


def plain(variable: Variable) -> object:
    """What one variable shows: its value, text, items or members."""
    inner = variable.items or variable.members
    if inner and variable.type in ("list", "tuple", "set", "frozenset"):
        return [plain(item) for item in inner]
    if inner:
        return {item.name: plain(item) for item in inner}
    return variable.value if variable.text is None else variable.text
