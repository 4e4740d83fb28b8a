"""Adds the frames of interpreters to the threads that run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.interpreters.presence import python_modules
from coresnap.errors import InputError
from coresnap.model import Note, Thread

if TYPE_CHECKING:
    from coresnap.analysis.interpreters.cpython.runtime import Runtime
    from coresnap.analysis.source import SourceReader
    from coresnap.elfcore.corefile import CoreFile, LoadedModule

__all__ = ["Interpreted", "interpreted_threads"]

_STEP = "interpreters"


class Interpreted(msgspec.Struct, frozen=True):
    """Threads with interpreted frames among the native ones."""

    threads: tuple[Thread, ...]
    notes: tuple[Note, ...] = ()
    version: str | None = None
    """Of the interpreter, ``3.12.1``; None if there is none."""


def interpreted_threads(
    core: CoreFile, threads: Sequence[Thread], source: SourceReader
) -> Interpreted:
    """Set Python frames among the native frames of ``threads``.

    A program without CPython gets its threads back.
    """
    modules = python_modules(core)
    if not modules:
        return Interpreted(tuple(threads))
    try:
        runtime = _find(core, modules)
    except InputError as error:
        return Interpreted(tuple(threads), (Note(_STEP, str(error)),))
    if runtime is None:
        note = Note(_STEP, f"{modules[0].path}: no CPython found in its data")
        return Interpreted(tuple(threads), (note,))
    return _with_python(core, runtime, threads, source)


# Only a core of CPython pays for the imports.


def _find(core: CoreFile, modules: list[LoadedModule]) -> Runtime | None:
    from coresnap.analysis.interpreters.cpython.runtime import find_runtime

    return find_runtime(core, modules)


def _with_python(
    core: CoreFile, runtime: Runtime, threads: Sequence[Thread], source: SourceReader
) -> Interpreted:
    from coresnap.analysis.interpreters.cpython.reader import PythonReader
    from coresnap.analysis.interpreters.interleave import interleave

    reader = PythonReader(core, runtime, source)
    runs = reader.runs()
    found = []
    for thread in threads:
        if thread.tid in runs:
            frames = interleave(
                thread.frames, runs[thread.tid], thread.end, reader.is_evaluator
            )
            thread = msgspec.structs.replace(thread, frames=frames)
        found.append(thread)
    return Interpreted(tuple(found), tuple(reader.notes), runtime.version)
