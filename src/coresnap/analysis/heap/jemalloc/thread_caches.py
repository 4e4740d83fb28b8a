"""The threads' caches: stacks of regions that were freed, and of some never used.

A cache is part of jemalloc's thread-local data (``tsd.h``), whose layout depends on
options of the build; but its bins prove themselves, because the stacks of all bins
stand in one array without gaps. ``cache_bin.h``: of 5.3.0 a bin is the address of the
newest item, and the low 16 bits of where the stack may begin and ends; before, the
number of items and the address where the stack ends. The newest item has the lowest
address in both.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import AddressSpan, scan_pointers

__all__ = ["CachedRegions", "read_cache", "search_caches"]

_BIN_SIZE = 24
_OF_5_3 = struct.Struct("<QQHHH2x")
_BEFORE = struct.Struct("<iiQQ")
_BINS_LEAST = 24
"""Bins in a row that make a cache: those of the smaller classes."""
_STACK_LIMIT = 0xFFF8
"""Bytes of one bin's stack, at most: the rest of an address is not kept."""
_ALIGNMENT = 8
_MATCH_LIMIT = 1_000_000
_CACHE_SIZE = 1 << 13
"""Bytes from a cache's first bin that hold all of it; 5.2.1's takes 5,704."""
_APART = 512
"""Bytes behind the bins of small classes in which those of large ones begin."""


_Reader: TypeAlias = Callable[[bytes, int], "_Bin | None"]


class CachedRegions(msgspec.Struct, frozen=True):
    """What one bin of one thread holds."""

    tid: int | None
    """None if it is not known whose it is."""
    size_class: int
    """Index."""
    stack: int
    """Address of the newest item's slot."""
    addresses: tuple[int, ...]
    """The most recently freed first."""


class _Bin(msgspec.Struct, frozen=True):
    """Addresses of a bin's stack."""

    newest: int
    """The newest item's slot; ``end`` if there is none."""
    end: int
    start: int | None = None
    """The lowest slot, where the bin says it."""

    def follows(self, before: _Bin) -> bool:
        """Whether its stack is the next one in the array."""
        if self.start is not None:
            return self.start == before.end
        return before.end < self.end <= before.end + _STACK_LIMIT and (
            before.end <= self.newest
        )


def read_cache(
    memory: Memory, tid: int | None, data: bytes, *, is_5_3: bool
) -> tuple[CachedRegions, ...]:
    """The cache in a thread's local ``data``; empty if there is none in it."""
    found = []
    for index, one in enumerate(_bins(data, _bin_of_5_3 if is_5_3 else _bin_before)):
        stored = memory.read_some(one.newest, one.end - one.newest)
        words = array("Q", stored[: len(stored) // 8 * 8])
        if words:
            found.append(CachedRegions(tid, index, one.newest, tuple(words)))
    return tuple(found)


def search_caches(
    memory: Memory,
    spans: Sequence[AddressSpan],
    targets: Sequence[AddressSpan],
    *,
    is_5_3: bool,
) -> Iterator[CachedRegions]:
    """Caches anywhere in ``spans``, whose stacks are in ``targets``; for threads whose
    local data cannot be found."""
    first = 0 if is_5_3 else _BEFORE.size - 8
    for start, end in spans:
        for address, data in memory.read_pieces(start, end):
            matches = scan_pointers(
                data, targets, pointer_size=8, byte_order="little", limit=_MATCH_LIMIT
            )
            for offset in _rows(dict(matches)):
                begin = address + offset - first
                local = memory.read_some(begin, _CACHE_SIZE)
                yield from read_cache(memory, None, local, is_5_3=is_5_3)


def _rows(pointers: Mapping[int, int]) -> Iterator[int]:
    """Offsets at which pointers begin to ascend from bin to bin, often enough."""
    for offset, pointer in pointers.items():
        before = pointers.get(offset - _BIN_SIZE)
        if before is not None and 0 < pointer - before <= _STACK_LIMIT:
            continue
        count = 1
        while True:
            following = pointers.get(offset + count * _BIN_SIZE, 0)
            if not 0 < following - pointer <= _STACK_LIMIT:
                break
            pointer, count = following, count + 1
        if count >= _BINS_LEAST:
            yield offset


def _bins(data: bytes, read: _Reader) -> list[_Bin]:
    """The first row of bins that is long enough, and one that continues it.

    Before 5.3 the bins of large classes stand apart, behind other members.
    """
    for at in range(0, len(data) - _BINS_LEAST * _BIN_SIZE + 1, _ALIGNMENT):
        row = list(_row(data, at, read, None))
        if len(row) >= _BINS_LEAST:
            end = at + len(row) * _BIN_SIZE
            for apart in range(end, end + _APART, _ALIGNMENT):
                more = list(_row(data, apart, read, row[-1]))
                if more:
                    return row + more
            return row
    return []


def _row(data: bytes, at: int, read: _Reader, before: _Bin | None) -> Iterator[_Bin]:
    """Bins from ``at`` on, as long as each one's stack is the next in the array."""
    while at + _BIN_SIZE <= len(data):
        found = read(data, at)
        if found is None or (before is not None and not found.follows(before)):
            return
        yield found
        before = found
        at += _BIN_SIZE


def _bin_of_5_3(data: bytes, at: int) -> _Bin | None:
    newest, _, _, low_start, low_end = _OF_5_3.unpack_from(data, at)
    used, size = low_end - newest & 0xFFFF, low_end - low_start & 0xFFFF
    if not newest or not size or used > size or (newest | used | size) % 8:
        return None
    end = newest + used
    return _Bin(newest, end, end - size)


def _bin_before(data: bytes, at: int) -> _Bin | None:
    low_water, count, _, end = _BEFORE.unpack_from(data, at)
    if not end or end % 8 or low_water < -1 or not 0 <= 8 * count <= _STACK_LIMIT:
        return None
    return _Bin(end - 8 * count, end)
