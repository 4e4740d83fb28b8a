"""The result of unwinding one thread."""

from __future__ import annotations

from collections import deque

import msgspec

from coresnap.elfcore.modules import LoadedModule
from coresnap.model import Trust, UnwindEnd

__all__ = ["FrameKeeper", "Stack", "StackFrame"]

_OUTERMOST_SHARE = 10
"""One frame of so many is kept for the outer end of a stack that is too long."""


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
    left_out: int = 0
    """Frames in the middle of a long stack that are not among ``frames``."""
    gap: int = 0
    """Index of the first frame behind those; 0: there are none."""

    def shortened(self, most: int) -> Stack:
        """The innermost frames and the outermost ones: ``most``, at least 2."""
        count = len(self.frames)
        if count <= most:
            return self
        outer = min(max(most // _OUTERMOST_SHARE, 1), count - self.gap)
        inner = most - outer
        if self.gap:
            inner = min(inner, self.gap)
        kept = self.frames[:inner] + self.frames[count - outer :]
        left_out = self.left_out + count - len(kept)
        return Stack(kept, self.end, left_out, inner)


class FrameKeeper:
    """The frames of a stack that is being walked: where there are more than ``limit``,
    which is at least 2, those in the middle are forgotten."""

    def __init__(self, limit: int) -> None:
        outer = max(limit // _OUTERMOST_SHARE, 1)
        self._limit = limit
        self._most_inner = limit - outer
        self._innermost: list[StackFrame] = []
        self._outermost: deque[StackFrame] = deque(maxlen=outer)
        self._count = 0

    def add(self, frame: StackFrame) -> bool:
        """Take the next frame outwards; whether that makes ``limit`` frames or more."""
        self._count += 1
        inner = self._count <= self._most_inner
        (self._innermost if inner else self._outermost).append(frame)
        return self._count >= self._limit

    def stack(self, end: UnwindEnd) -> Stack:
        """All that was kept."""
        frames = (*self._innermost, *self._outermost)
        left_out = self._count - len(frames)
        return Stack(frames, end, left_out, self._most_inner if left_out else 0)
