"""A fault as a whole, taken apart as far as somebody looks."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from coresnap.errors import MissingError
from coresnap.model import Snapshot
from coresnap.snapshot.container import SnapshotReader
from coresnap.snapshot.escape import printable
from coresnap.snapshot.heading import heading_facts, headline
from coresnap.snapshot.process_context import ProcessContext, process_context
from coresnap.views.fault.memory import (
    Memory,
    StoredMemory,
    WholeMemory,
    interesting_addresses,
)
from coresnap.views.fault.patched_memory import PatchedMemory, heap_pieces
from coresnap.views.fault.place import Places
from coresnap.views.fault.position import GLOBALS, Position
from coresnap.views.fault.remark import Remark, remarks_of
from coresnap.views.fault.shortened import shortened
from coresnap.views.fault.stack import FrameView, ThreadGroup, ThreadView, threads_of
from coresnap.views.fault.value import Value, find_value, values_of

__all__ = ["Fault", "Found"]

_WORD_MAX = 64


class Found(msgspec.Struct, frozen=True):
    """What a position leads to."""

    position: Position
    thread: ThreadView | None
    """None for a global variable."""
    frame: FrameView | None
    values: tuple[Value, ...] = ()
    """From the variable down to the value."""


class Fault(msgspec.Struct, frozen=True, dict=True):
    """A snapshot with what its readers ask for, made when it is asked for."""

    snapshot: Snapshot
    """Perhaps without ``memory``."""
    stored: StoredMemory

    @classmethod
    def of(cls, snapshot: Snapshot) -> Fault:
        """Return the fault of a snapshot that was read as a whole."""
        return cls(snapshot, WholeMemory(snapshot.memory))

    @classmethod
    def opened(cls, reader: SnapshotReader) -> Fault:
        """Return the fault of a snapshot whose memory is read as far as it is shown.

        ``reader`` must stay open. Raises SnapshotFormatError.
        """
        return cls(reader.snapshot(with_memory=False), reader.memory)

    @functools.cached_property
    def headline(self) -> str:
        """Which program, why, where, when; printable."""
        return shortened(headline(self.snapshot))

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What frames the fault: command, system, …; printable."""
        return tuple(heading_facts(self.snapshot))

    @functools.cached_property
    def groups(self) -> tuple[ThreadGroup, ...]:
        """Threads of the same stack together, those that failed first."""
        return threads_of(self.snapshot.threads)

    @functools.cached_property
    def threads(self) -> dict[str, ThreadView]:
        """All threads by what positions call them, in the order of ``groups``."""
        return {
            thread.position.thread: thread
            for group in self.groups
            for thread in group.threads
        }

    @functools.cached_property
    def globals(self) -> tuple[Value, ...]:
        """Variables that belong to no frame."""
        return values_of(self.snapshot.globals)

    @functools.cached_property
    def places(self) -> Places:
        """What lies at an address."""
        return Places.of(self.snapshot)

    @functools.cached_property
    def memory(self) -> Memory:
        """The memory that was kept, and of the heap's blocks their first bytes."""
        marks: defaultdict[int, list[str]] = defaultdict(list)
        for address, name in interesting_addresses(self.snapshot):
            word = shortened(printable(name), _WORD_MAX)
            if word not in marks[address]:
                marks[address].append(word)
        damaged = [
            (one.address, max(len(one.data), 1))
            for heap in self.snapshot.heaps
            for one in heap.damage
        ]
        architecture = self.snapshot.architecture
        stored = PatchedMemory(self.stored, heap_pieces(self.snapshot))
        return Memory(stored, self.places, marks, damaged, architecture)

    @functools.cached_property
    def process(self) -> ProcessContext:
        """What the process had open, what bounded it, its environment."""
        return process_context(self.snapshot.assets)

    @functools.cached_property
    def remarks(self) -> tuple[Remark, ...]:
        """All warnings, the gravest first."""
        return remarks_of(self.snapshot, self.groups, self.globals)

    @functools.cached_property
    def start(self) -> Position | None:
        """Where a reader begins: the frame that verdict or call stack speak of.

        None if there is no thread.
        """
        if not self.groups:
            return None
        thread = self.groups[0].first
        index = next(self._told(thread), 0)
        return thread.frames[index].position if thread.frames else thread.position

    def _told(self, thread: ThreadView) -> Iterator[int]:
        """Yield indexes of frames that people should see, the best first."""
        for one in self.snapshot.classifiers:
            is_here = one.tid in (None, thread.thread.tid)
            if (
                is_here
                and one.frame is not None
                and 0 <= one.frame < len(thread.frames)
            ):
                yield one.frame
        for name in self.snapshot.callstack[:1]:  # without abort() and the like
            for frame in thread.frames:
                if name in (frame.frame.function, frame.frame.short_name):
                    yield frame.index

    def find(self, position: Position) -> Found:
        """Return what is at ``position``; raise MissingError if nothing is."""
        values, thread, frame = self.globals, None, None
        if position.thread != GLOBALS:
            thread = self.threads.get(position.thread)
            if thread is None:
                raise MissingError(f"the snapshot has no thread {position.thread}")
            if position.frame is not None:
                frame = thread.at(position.frame)
                if frame is None:
                    raise MissingError(
                        f"thread {position.thread} has no frame {position.frame}",
                        remedy=f"It has {len(thread.frames)} frames.",
                    )
            values = () if frame is None else frame.values
        if not position.variable:
            return Found(position, thread, frame)
        found = find_value(values, position.variable)
        if not found:
            raise MissingError(
                f"there is no variable {shortened(position.variable)!r} at "
                f"{msgspec.structs.replace(position, variable='')}"
            )
        return Found(position, thread, frame, found)
