"""The result of unwinding one thread."""

from __future__ import annotations

import msgspec

from coresnap.elfcore.modules import LoadedModule
from coresnap.model import Trust, UnwindEnd

__all__ = ["Stack", "StackFrame"]


class StackFrame(msgspec.Struct, frozen=True, eq=False):
    """One physical frame: inlined calls are not told apart here."""

    pc: int
    """Program counter; in callers, the return address."""
    lookup_pc: int
    """What to look up: pc - 1 in callers, whose call may be their last instruction;
    pc where execution really was (innermost frame, frame that a signal interrupted)."""
    cfa: int | None
    """Canonical frame address; None if neither CFI nor the
    function's code tells it."""
    registers: dict[int, int]
    """DWARF register number to value, as far as they are known in this frame; the
    program counter always is, the stack pointer nearly always."""
    trust: Trust
    signal_frame: bool
    """The kernel made it to deliver a signal; its caller was interrupted."""
    module: LoadedModule | None


class Stack(msgspec.Struct, frozen=True, eq=False):
    """The frames of one thread, innermost first, and why there are no more."""

    frames: tuple[StackFrame, ...]
    end: UnwindEnd
