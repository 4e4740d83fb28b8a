"""Which frame of a thread a stack pointer or an address on its stack belongs to."""

from __future__ import annotations

from bisect import bisect_right

from coresnap.model import Thread

__all__ = ["FrameNumbers"]

_OUTERMOST = 4096
"""Bytes of the outermost frame: nothing tells where it ends."""


class FrameNumbers:
    """The frames of one thread, found by what they have in memory."""

    def __init__(self, thread: Thread) -> None:
        self._indexes: dict[tuple[int, int | None], int] = {}
        self._shown: list[int] = []
        left_out = 0
        by_pointer: dict[int, int] = {}
        for index, frame in enumerate(thread.frames):
            left_out += frame.left_out
            self._shown.append(index + left_out)
            if frame.inline or frame.interpreter is not None:
                continue
            self._indexes.setdefault((frame.pc, frame.stack_pointer), index)
            if frame.stack_pointer is not None:
                by_pointer.setdefault(frame.stack_pointer, index)
        self._pointers = sorted(by_pointer)
        self._by_pointer = by_pointer

    def of(self, pc: int, stack_pointer: int | None) -> int | None:
        """Index in ``Thread.frames`` of an unwound frame; None if it was left out."""
        return self._indexes.get((pc, stack_pointer))

    def shown(self, index: int) -> int:
        """The number that a frame is shown with: those left out count."""
        return self._shown[index]

    def at(self, address: int) -> tuple[int, int] | None:
        """Index of the frame that an address on the stack is in, and its distance
        from that frame's stack pointer; None if it is in none."""
        place = bisect_right(self._pointers, address) - 1
        if place < 0:
            return None
        pointer = self._pointers[place]
        distance = address - pointer
        if place == len(self._pointers) - 1 and distance >= _OUTERMOST:
            return None
        return self._by_pointer[pointer], distance
