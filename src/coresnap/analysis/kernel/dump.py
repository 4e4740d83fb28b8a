"""Opens a kernel's dump and reads of it what a snapshot is made from."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.kernel.ddb_threads import ddb_threads
from coresnap.analysis.kernel.evidence import Evidence
from coresnap.analysis.kernel.trap import read_tid
from coresnap.elfcore.vmcore.dump_info import DumpInfo
from coresnap.elfcore.vmcore.vmcore import Vmcore, open_vmcore
from coresnap.model import Module, Note, Thread

__all__ = ["read_dump"]

_TIMES = 1 << 33
"""Seconds since the epoch, until the year 2242."""


def read_dump(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    info: str | os.PathLike[str] | None = None,
    kernel: Path | None = None,
    files: DebugFiles | None = None,
) -> Evidence:
    """Read the dump at ``path``; ``info`` and ``kernel`` as ``open_vmcore`` takes them.

    With the kernel's debug file among ``files`` its threads are read from memory.

    Raises what ``open_vmcore`` raises, also for a ``kernel`` that cannot be read.
    """
    with open_vmcore(path, info=info, kernel=kernel, name=name) as dump:
        threads, modules, notes = _of_memory(dump, kernel, files)
        if not threads:
            threads = _of_debugger(dump)
        return Evidence(
            system="FreeBSD",
            kind=dump.kind,
            architecture=dump.architecture,
            info=_with_texts(dump),
            message_buffer=dump.message_buffer,
            threads=threads,
            modules=modules,
            notes=(*(Note("dump", text) for text in dump.problems), *notes),
            size=_size(path),
            path=str(dump.path),
        )


def _with_texts(dump: Vmcore) -> DumpInfo:
    """What a text dump says, where savecore's own words are not there."""
    told = dump.info
    version = told.version or dump.texts.get("version.txt", "").strip()
    panic = told.panic or dump.texts.get("panic.txt", "").strip()
    # A header says 64 bits, of which a damaged one may use all.
    known = told.time is not None and 0 <= told.time < _TIMES
    time = told.time if known else None
    return msgspec.structs.replace(told, version=version, panic=panic, time=time)


def _of_memory(
    dump: Vmcore, kernel: Path | None, files: DebugFiles | None
) -> tuple[tuple[Thread, ...], tuple[Module, ...], tuple[Note, ...]]:
    if dump.memory is None or kernel is None or files is None:
        return (), (), ()
    # Not before: it takes libdw, and nothing that only has texts needs it.
    from coresnap.analysis.kernel.memory_threads import read_kernel

    found = read_kernel(dump, kernel, files)
    return found.threads, found.modules, found.notes


def _of_debugger(dump: Vmcore) -> tuple[Thread, ...]:
    """What ddb(4) traced into a text dump, the thread that panicked first."""
    text = dump.texts.get("ddb.txt", "")
    tid = read_tid(dump.message_buffer.splitlines())
    if tid is None:
        tid = read_tid(text.splitlines())
    return tuple(sorted(ddb_threads(text, tid), key=lambda thread: not thread.crashed))


def _size(path: str | os.PathLike[str]) -> int | None:
    with contextlib.suppress(OSError):
        return os.stat(path).st_size
    return None
