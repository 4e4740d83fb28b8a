"""Adds the frames of interpreters to the threads that run them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from coresnap.analysis.interpreters.cpython.runtime import find_runtime, python_modules
from coresnap.analysis.interpreters.interleave import interleave
from coresnap.elfcore.corefile import CoreFile
from coresnap.errors import InputError
from coresnap.model import Note, Thread

__all__ = ["Interpreted", "interpreted_threads"]

_STEP = "interpreters"


class Interpreted(msgspec.Struct, frozen=True):
    """Threads with interpreted frames among the native ones."""

    threads: tuple[Thread, ...]
    notes: tuple[Note, ...] = ()
    version: str | None = None
    """Of the interpreter, ``3.12.1``; None if there is none."""


def interpreted_threads(
    core: CoreFile, threads: Sequence[Thread], sysroot: Path | None = None
) -> Interpreted:
    """Set Python frames among the native frames of ``threads``.

    Scripts are looked for below ``sysroot``. A program without CPython gets its
    threads back.
    """
    modules = python_modules(core)
    if not modules:
        return Interpreted(tuple(threads))
    try:
        runtime = find_runtime(core, modules)
    except InputError as error:
        return Interpreted(tuple(threads), (Note(_STEP, str(error)),))
    if runtime is None:
        note = Note(_STEP, f"{modules[0].path}: no CPython found in its data")
        return Interpreted(tuple(threads), (note,))
    # Only a core of CPython pays for the rest.
    from coresnap.analysis.interpreters.cpython.reader import PythonReader

    reader = PythonReader(core, runtime, sysroot)
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
