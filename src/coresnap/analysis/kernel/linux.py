"""Dumps of Linux's kernel, read by drgn where it is installed.

drgn knows the kernel's structures, its page tables and makedumpfile's format; what is
done here is to ask it for the panic's words, the threads and their stacks.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from coresnap.analysis.kernel.backtrace import KERNEL, MOST_FRAMES
from coresnap.analysis.kernel.evidence import Evidence
from coresnap.elfcore.vmcore.dump_info import DumpInfo
from coresnap.errors import CoreFormatError, UnsupportedSystemError
from coresnap.model import Frame, Note, Thread, Trust, UnwindEnd

__all__ = ["drgn_threads", "read_linux_dump", "vmcore_words"]

_MOST_THREADS = 4096
_HEAD = 64 << 10
_ARCHITECTURES = {"X86_64": "x86-64", "AARCH64": "aarch64", "I386": "i386"}
_ARCHITECTURES |= {"ARM": "arm", "RISCV64": "riscv64", "PPC64": "ppc64"}
_TIME = re.compile(r"[0-9]{1,10}")
_WORD = re.compile(rb"^([A-Z][A-Z0-9]{3,15})=([\x20-\x7e]{1,200})$", re.MULTILINE)


def read_linux_dump(
    path: str | os.PathLike[str], name: str, kernel: Path | None = None
) -> Evidence:
    """Read the dump at ``path``; ``kernel`` is its ``vmlinux`` with debug information.

    Raises ``UnsupportedSystemError`` without drgn, ``CoreFormatError`` if drgn cannot
    read the dump.
    """
    words = vmcore_words(path)
    release = words.get("OSRELEASE", "")
    try:
        import drgn
    except ImportError as error:
        which = f" {release}" if release else ""
        raise UnsupportedSystemError(
            f"{name} is a dump of Linux{which}, which takes drgn to be read",
            remedy="Install it: `pip install 'coresnap[kernel]'`, or python3-drgn.",
        ) from error
    program = drgn.Program()
    # drgn raises Exception itself for files that it does not understand.
    try:
        program.set_core_dump(os.fspath(path))
    except Exception as error:
        raise CoreFormatError(f"drgn cannot read {name}: {error}") from error
    notes = list(_load(program, kernel))
    said, panic = _messages(program, notes)
    threads = tuple(_read(drgn_threads, program, notes) or ())
    crash_time = words.get("CRASHTIME", "")
    info = DumpInfo(
        architecture=program.platform.arch.name if program.platform else "",
        time=int(crash_time) if _TIME.fullmatch(crash_time) else None,
        version=f"Linux version {release}" if release else "",
        panic=panic,
    )
    return Evidence(
        system="Linux",
        kind="kdump",
        architecture=_ARCHITECTURES.get(info.architecture, ""),
        info=info,
        message_buffer=said,
        threads=threads,
        notes=tuple(notes),
        size=os.stat(path).st_size,
        path=name,
    )


def vmcore_words(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return what the VMCOREINFO note says: OSRELEASE, CRASHTIME, PAGESIZE, …

    Empty for makedumpfile's own format, where it stands far behind.
    """
    with open(path, "rb") as stream:
        head = stream.read(_HEAD)
    start = head.find(b"VMCOREINFO\0")
    # The name is padded to 12 bytes.
    found = _WORD.findall(head[start + 12 :]) if start >= 0 else []
    return {name.decode(): value.decode() for name, value in reversed(found)}


def drgn_threads(program: Any) -> Iterator[Thread]:  # noqa: ANN401 - drgn's, untyped
    """Yield the threads of drgn's ``Program``, the one that crashed first."""
    crashed = None
    with contextlib.suppress(LookupError, ValueError):
        crashed = program.crashed_thread()
        yield _thread(program, crashed, crashed=True)
    for thread in islice(program.threads(), _MOST_THREADS):
        if crashed is None or thread.tid != crashed.tid:
            yield _thread(program, thread, crashed=False)


def _thread(program: Any, thread: Any, *, crashed: bool) -> Thread:  # noqa: ANN401
    end = UnwindEnd.NO_RULE
    frames: tuple[Frame, ...] = ()
    # A stack that cannot be walked (a task that runs in a live kernel) is no reason to
    # lose the others; drgn says so by ValueError or FaultError, an Exception.
    with contextlib.suppress(Exception):
        trace = thread.stack_trace()
        most = min(len(trace), MOST_FRAMES)
        frames = tuple(_frame(program, trace[i], i) for i in range(most))
    return Thread(thread.tid, crashed, end, getattr(thread, "name", None), frames)


def _frame(program: Any, frame: Any, index: int) -> Frame:  # noqa: ANN401
    function = getattr(frame, "function_name", None) or frame.name
    file = line = offset = pointer = None
    pc = 0
    with contextlib.suppress(LookupError):
        pc = frame.pc
        symbol = frame.symbol()
        function, offset = function or symbol.name, pc - symbol.address
    with contextlib.suppress(LookupError):
        source = frame.source()
        file, line = source[0] or None, source[1] or None
    with contextlib.suppress(LookupError):
        pointer = frame.sp
    return Frame(
        pc,
        Trust.CONTEXT if index == 0 or frame.interrupted else Trust.CFI,
        inline=frame.is_inline,
        function=function,
        function_offset=offset,
        file=file,
        line=line,
        module=_module(program, pc),
        stack_pointer=pointer,
    )


def _module(program: Any, pc: int) -> str:  # noqa: ANN401
    """The kernel, or what it had loaded."""
    with contextlib.suppress(Exception):
        found = program.module(pc)
        if not isinstance(found, type(program.main_module())):
            return str(found.name)
    return KERNEL


def _load(program: Any, kernel: Path | None) -> Iterator[Note]:  # noqa: ANN401
    # MissingDebugInfoError, or whatever a damaged file makes of it.
    try:
        if kernel is not None:
            program.load_debug_info([str(kernel)], main=True)
        else:
            program.load_default_debug_info()
    except Exception as error:
        yield Note("drgn", " ".join(str(error).split())[:400])


def _messages(program: Any, notes: list[Note]) -> tuple[str, str]:  # noqa: ANN401
    """The message buffer and the panic's words; empty where they cannot be read."""
    from drgn.helpers.linux.panic import panic_message
    from drgn.helpers.linux.printk import get_dmesg

    said: bytes = _read(get_dmesg, program, notes) or b""
    panic: bytes = (_read(panic_message, program, notes) or b"") if said else b""
    return said.decode("utf-8", "backslashreplace"), panic.decode(
        "utf-8", "backslashreplace"
    )


def _read(function: Any, program: Any, notes: list[Note]) -> Any:  # noqa: ANN401
    """What one of drgn's helpers returns; None and a note where it fails."""
    # Without the kernel's debug information each fails in a way of its own.
    try:
        found = function(program)
        return list(found) if isinstance(found, Iterator) else found
    except Exception as error:
        name = getattr(function, "__name__", "?")
        notes.append(Note("drgn", f"{name}: {' '.join(str(error).split())[:300]}"))
        return None
