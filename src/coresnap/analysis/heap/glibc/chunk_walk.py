"""Walks the chunks of a heap: in C where it could be compiled, else here.

``ChunkWalk`` is the one of the two that was chosen at import; both count and mark the
same. The C half walks some hundred million chunks a second that are in the cache.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from typing import Any, Final

from coresnap.analysis.heap.glibc.layout import FLAGS, PREVIOUS_IN_USE, ChunkLayout

try:
    from coresnap._native import ffi, lib
except ImportError:  # no compiler was there: the twin below serves
    lib = None  # type: ignore[assignment]

__all__ = [
    "FENCE",
    "FIND_BUDGET",
    "OUTSIDE",
    "PREVIOUS",
    "SIZE",
    "STOP",
    "ChunkWalk",
    "NativeChunkWalk",
    "PythonChunkWalk",
]

OUTSIDE, STOP, FENCE, SIZE, PREVIOUS = range(5)
"""Why a walk rests: ``enum chunk_walk_status`` of ``native/library/chunk_walk.h``."""
_LEAST_SHIFT = 14
_MARKS = 20
"""Marks are for 1 << 14 bytes or more, and at most 1 << 20 or so."""


def _mark_shift(start: int, stop: int) -> int:
    """The first chunk in every 1 << this many bytes is marked."""
    if not 0 <= start <= stop:
        raise ValueError("a walk begins where it ends or before")
    return max(_LEAST_SHIFT, (stop - start).bit_length() - _MARKS)


def _marks(start: int, stop: int) -> array[int]:
    return array("Q", bytes(8 * (((stop - start) >> _mark_shift(start, stop)) + 1)))


class PythonChunkWalk:
    """A walk from ``start`` to ``stop``, resumed with each piece of memory.

    ``cached`` are the blocks, ascending, that wait in a cache although their chunks'
    headers say that they are in use. ``heads_stop``: the top chunk is at ``stop``.
    ``at`` is the next header, ``size`` that of the chunk before it (0: none). Counted
    are chunks and bytes with their headers: ``used``, ``freed`` (in bins), ``waiting``
    (in ``cached``). ``marks`` has the first chunk of every 1 << ``shift`` bytes from
    ``start`` on.
    """

    def __init__(
        self,
        layout: ChunkLayout,
        start: int,
        stop: int,
        *,
        bad_flags: int,
        cached: array[int],
        heads_stop: bool,
    ) -> None:
        self._layout = layout
        order = ">" if layout.big_endian else "<"
        self._header = struct.Struct(order + ("QQ" if layout.word == 8 else "II"))
        self._fence = layout.header
        self._bad_flags, self._cached = bad_flags, cached
        self._stop, self._heads_stop = stop, heads_stop
        self._base = start
        self.shift = _mark_shift(start, stop)
        self.marks = _marks(start, stop)
        self.at, self.size = start, 0
        self.used = self.used_bytes = 0
        self.freed = self.freed_bytes = 0
        self.waiting = self.waiting_bytes = 0

    def run(self, data: memoryview, address: int) -> int:
        """Go on as far as ``data`` goes, which lies at ``address``: why it rests."""
        while True:
            if self.at == self._stop and not self._heads_stop:
                self._count(PREVIOUS_IN_USE)
                return STOP
            header = self._read(data, address, self.at)
            if header is None:
                return OUTSIDE
            if not _is_previous_right(header, self.size):
                return PREVIOUS
            if self.at == self._stop or header[1] & ~PREVIOUS_IN_USE == self._fence:
                self._count(header[1])
                return STOP if self.at == self._stop else FENCE
            if not self._is_size_right(self.at, header[1]):
                return SIZE
            self._count(header[1])
            granule = (self.at - self._base) >> self.shift
            if not self.marks[granule]:
                self.marks[granule] = self.at
            self.size = header[1] & ~FLAGS
            self.at += self.size

    def restart(self, at: int) -> None:
        """Go on from ``at``, whatever was before it."""
        self.at, self.size = at, 0

    def find(
        self, data: memoryview, address: int, start: int, wanted: int, budget: int
    ) -> tuple[int, int]:
        """The first place from ``start`` on from where ``wanted`` chunks follow each
        other, or fewer up to the end, 0 if there is none; and what is left of
        ``budget``, the headers that may be read."""
        self._budget = budget
        for at in range(start, self._stop, self._layout.alignment):
            if not self._budget or not 0 <= at - address < len(data):
                break
            if self._is_chain(data, address, at, wanted):
                return at, self._budget
        return 0, self._budget

    def _read(self, data: memoryview, address: int, at: int) -> tuple[int, int] | None:
        if not 0 <= at - address <= len(data) - self._header.size:
            return None
        previous, size = self._header.unpack_from(data, at - address)
        return previous, size

    def _is_size_right(self, at: int, word: int) -> bool:
        size = word & ~FLAGS
        return (
            not word & self._bad_flags
            and size >= self._layout.minimum
            and size % self._layout.alignment == 0
            and size <= self._stop - at
        )

    def _count(self, word: int) -> None:
        if not self.size:
            return
        if not word & PREVIOUS_IN_USE:
            self.freed += 1
            self.freed_bytes += self.size
            return
        block = self.at - self.size + self._layout.header
        index = bisect_left(self._cached, block)
        if index < len(self._cached) and self._cached[index] == block:
            self.waiting += 1
            self.waiting_bytes += self.size
        else:
            self.used += 1
            self.used_bytes += self.size

    def _is_chain(self, data: memoryview, address: int, at: int, wanted: int) -> bool:
        before = 0
        for index in range(wanted + 1):
            if not self._budget or at > self._stop:
                return False
            if at == self._stop and not self._heads_stop:
                return index > 0
            header = self._read(data, address, at)
            if header is None:
                return False
            self._budget -= 1
            if not _is_previous_right(header, before):
                return False
            if at == self._stop or header[1] & ~PREVIOUS_IN_USE == self._fence:
                return index > 0
            if not self._is_size_right(at, header[1]):
                return False
            before = header[1] & ~FLAGS
            at += before
        return True


def _is_previous_right(header: tuple[int, int], size: int) -> bool:
    return not size or bool(header[1] & PREVIOUS_IN_USE) or header[0] == size


class NativeChunkWalk:
    """``PythonChunkWalk`` in C."""

    def __init__(
        self,
        layout: ChunkLayout,
        start: int,
        stop: int,
        *,
        bad_flags: int,
        cached: array[int],
        heads_stop: bool,
    ) -> None:
        self.shift = _mark_shift(start, stop)
        self.marks = _marks(start, stop)
        # What C points to must live as long as it does.
        self._held = (ffi.from_buffer(cached), ffi.from_buffer(self.marks))
        walk: Any = ffi.new("struct chunk_walk *")
        walk.narrow, walk.big_endian = layout.word == 4, layout.big_endian
        walk.alignment, walk.minimum = layout.alignment, layout.minimum
        walk.bad_flags, walk.stop = bad_flags, stop
        walk.last_has_header = heads_stop
        walk.cached = ffi.cast("const uint64_t *", self._held[0])
        walk.cached_count = len(cached)
        walk.marks = ffi.cast("uint64_t *", self._held[1])
        walk.mark_count = len(self.marks)
        walk.base, walk.shift, walk.at = start, self.shift, start
        self._walk = walk

    def __getattr__(self, name: str) -> int:
        """Where the walk is, and what it has counted."""
        if name in _COUNTED:
            value: int = getattr(self._walk, name)
            return value
        raise AttributeError(name)

    def run(self, data: memoryview, address: int) -> int:
        """Go on as far as ``data`` goes, which lies at ``address``: why it rests."""
        source = ffi.from_buffer(data)
        return int(lib.chunk_walk_run(self._walk, source, len(data), address))

    def restart(self, at: int) -> None:
        """Go on from ``at``, whatever was before it."""
        self._walk.at, self._walk.size, self._walk.cached_at = at, 0, 0

    def find(
        self, data: memoryview, address: int, start: int, wanted: int, budget: int
    ) -> tuple[int, int]:
        """The first place from ``start`` on from where ``wanted`` chunks follow each
        other, or fewer up to the end, 0 if there is none; and what is left of
        ``budget``, the headers that may be read."""
        left = ffi.new("uint64_t *", budget)
        source = ffi.from_buffer(data)
        at = lib.chunk_walk_find(
            self._walk, source, len(data), address, start, wanted, left
        )
        return int(at), int(left[0])


_COUNTED: Final = frozenset(
    f"{what}{unit}" for what in ("used", "freed", "waiting") for unit in ("", "_bytes")
) | {"at", "size"}

FIND_BUDGET = 1 << 18 if lib is None else 1 << 27
"""Headers that ``find`` may read in one heap."""
ChunkWalk: Any = PythonChunkWalk if lib is None else NativeChunkWalk
