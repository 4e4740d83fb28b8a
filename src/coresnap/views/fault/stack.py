"""Threads and frames, with those at the same place together."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coresnap.model import Frame, Thread
from coresnap.snapshot.escape import printable
from coresnap.snapshot.stacks import (
    end_words,
    folded,
    frame_doubts,
    function_signature,
    module_place,
)
from coresnap.views.fault.position import Position
from coresnap.views.fault.shortened import shortened
from coresnap.views.fault.value import Value, values_of

__all__ = ["FrameView", "SourceLine", "ThreadGroup", "ThreadView", "threads_of"]


class SourceLine(msgspec.Struct, frozen=True):
    """A line of the source around a frame."""

    number: int
    text: str
    """Printable."""
    is_current: bool


class FrameView(msgspec.Struct, frozen=True, dict=True):
    """A frame with what people read of it; all its texts are printable."""

    frame: Frame
    index: int
    """In ``Thread.frames``."""
    number: int
    """As people count: frames that were left out are numbered too."""
    position: Position

    @property
    def name(self) -> str:
        """The function, shortened; ``??`` if nobody knows."""
        if self.frame.function is None:
            return "<signal handler called>" if self.frame.signal_frame else "??"
        return shortened(printable(self.frame.short_name or self.frame.function))

    @functools.cached_property
    def signature(self) -> str:
        """``name (argument=value, …)``."""
        return shortened(function_signature(self.frame) or self.name)

    @property
    def place(self) -> str:
        """``file:line``, else ``module+0x…``, else the pc."""
        frame = self.frame
        if frame.file is not None:
            line = "" if frame.line is None else f":{frame.line}"
            return shortened(printable(frame.file)) + line
        return shortened(module_place(frame)) or f"{frame.pc:#x}"

    @property
    def doubts(self) -> list[str]:
        """What lessens the trust in it: ``[inlined]``, …"""
        return frame_doubts(self.frame)

    @functools.cached_property
    def values(self) -> tuple[Value, ...]:
        """Arguments, then locals."""
        return values_of(self.frame.variables)

    @property
    def source(self) -> tuple[SourceLine, ...]:
        """Lines around the current one; empty if the source is not there."""
        start = self.frame.source_start
        if start is None:
            return ()
        return tuple(
            SourceLine(
                number,
                shortened(printable(text.expandtabs(4).rstrip())),
                number == self.frame.line,
            )
            for number, text in enumerate(self.frame.source, start)
        )


class ThreadView(msgspec.Struct, frozen=True, dict=True):
    """A thread with its frames."""

    thread: Thread
    position: Position

    @property
    def name(self) -> str:
        """Printable; empty if nobody knows."""
        return shortened(printable(self.thread.name or ""))

    @property
    def end(self) -> str:
        """Why the stack ends; empty if it is complete."""
        return end_words(self.thread)

    @functools.cached_property
    def frames(self) -> tuple[FrameView, ...]:
        """Innermost first."""
        return tuple(self._frames())

    def _frames(self) -> Iterator[FrameView]:
        left_out = 0
        for index, frame in enumerate(self.thread.frames):
            left_out += frame.left_out
            number = index + left_out
            where = Position(self.position.thread, number)
            yield FrameView(frame, index, number, where)

    def at(self, number: int) -> FrameView | None:
        """Return the frame that people count as ``number``."""
        index = min(number, len(self.frames) - 1)
        while index >= 0 and self.frames[index].number > number:
            index -= 1
        found = self.frames[index] if index >= 0 else None
        return found if found is not None and found.number == number else None


class ThreadGroup(msgspec.Struct, frozen=True):
    """Threads that stand at the same places."""

    threads: tuple[ThreadView, ...]
    """Never empty."""

    @property
    def first(self) -> ThreadView:
        """The thread whose frames stand for all."""
        return self.threads[0]

    @property
    def crashed(self) -> bool:
        """Whether these are threads that failed."""
        return self.first.thread.crashed

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the threads, once each, printable."""
        return tuple(sorted({one.name for one in self.threads if one.name}))


def threads_of(threads: Sequence[Thread]) -> tuple[ThreadGroup, ...]:
    """Return ``threads`` in groups of the same stack, those that crashed first."""
    views = {id(thread): view for thread, view in _views(threads)}
    groups = [
        ThreadGroup(tuple(views[id(thread)] for thread in same))
        for same in folded(threads)
    ]
    return tuple(sorted(groups, key=lambda group: not group.crashed))


def _views(threads: Iterable[Thread]) -> Iterator[tuple[Thread, ThreadView]]:
    seen: Counter[int] = Counter()
    for thread in threads:
        seen[thread.tid] += 1
        again = f".{seen[thread.tid]}" if seen[thread.tid] > 1 else ""
        yield thread, ThreadView(thread, Position(f"{thread.tid}{again}"))
