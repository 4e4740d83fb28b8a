"""What the rules about kernels look at: what the kernel said, parsed once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.kernel.backtrace import (
    Backtrace,
    read_backtrace,
    read_backtraces,
)
from coresnap.analysis.kernel.message_buffer import Panic, find_panic, message_lines
from coresnap.analysis.kernel.trap import Trap, read_cpu, read_tid, read_time, read_trap

__all__ = ["KernelCase", "case_of"]

_STACK_HEADING = "KDB: stack backtrace"


class KernelCase(msgspec.Struct, frozen=True):
    """One panic."""

    panic: Panic
    trap: Trap | None = None
    """Of the panic itself, not of what it was reported in."""
    backtraces: tuple[Backtrace, ...] = ()
    """All that were printed, in order; heap reports have theirs before the panic's."""
    stack: Backtrace | None = None
    """That of the thread that panicked."""
    cpu: int | None = None
    tid: int | None = None
    """The thread that panicked, where the debugger said so."""
    time: int | None = None
    """UTC seconds since the epoch."""

    @property
    def text(self) -> str:
        """The panic string; empty for none."""
        return self.panic.text or ""

    @property
    def said(self) -> str:
        """The panic as evidence."""
        return f"panic: {self.text}"


def case_of(text: str, panic_string: str | None = None) -> KernelCase:
    """Read the message buffer ``text``; ``panic_string`` is the dump header's."""
    panic = find_panic(message_lines(text), panic_string)
    if panic.text is None and panic_string:
        panic = msgspec.structs.replace(panic, text=panic_string)
    after = panic.after
    trap = read_trap(panic.before)
    cpu = read_cpu(after)
    if cpu is None and trap is not None:
        cpu = trap.cpu
    return KernelCase(
        panic,
        trap,
        tuple(read_backtraces(panic.lines)),
        _stack(panic),
        cpu,
        read_tid(after),
        read_time(after),
    )


def _stack(panic: Panic) -> Backtrace | None:
    """The first stack behind the panic; with ``debug.trace_on_panic=0`` there is none,
    and a trap may have printed its own before."""
    return _first(panic.after) or _first(panic.before)


def _first(lines: Sequence[str]) -> Backtrace | None:
    for at, line in enumerate(lines):
        if line.startswith(_STACK_HEADING):
            found = read_backtrace(lines[at + 1 :], line.rstrip(":"))
            if found.frames:
                return found
    return None
