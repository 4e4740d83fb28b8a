"""Which physical pages a minidump holds, and where: one bit for each, in order.

The number of a page in the dump is the number of bits before its own. That is counted
from sums for each block of bits, made once; ``int.bit_count`` counts a block in C.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

__all__ = ["PageBitmap", "dump_ranges"]

_LEAST_BLOCK = 512
"""Bytes of the bitmap for which one sum is kept: 4096 pages."""
_MOST_SUMS = 1 << 16
"""Beyond them, with 1 TiB of 4 KiB pages, blocks are larger."""
_RANGES_LIMIT = 512
_RANGES_SIZE = 64 << 10


def dump_ranges(data: bytes | memoryview, page_size: int) -> list[tuple[int, int]]:
    """Return the ranges of physical memory that a bitmap's bits count, of dump_avail.

    Pairs of 64-bit numbers, ended by a pair of zeros (``sys/vm/vm_phys.c``).
    """
    ranges: list[tuple[int, int]] = []
    size = min(len(data), _RANGES_SIZE) & -16
    for start, end in struct.iter_unpack("<QQ", data[:size]):
        if end == 0 or len(ranges) == _RANGES_LIMIT:
            break
        if start < end:
            ranges.append((start & -page_size, -(-end // page_size) * page_size))
    return ranges


class PageBitmap:
    """The bitmap of one dump.

    ``ranges`` are what its bits count, in order; without any, bit 0 is page 0.
    """

    def __init__(
        self, data: memoryview, page_size: int, ranges: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._data = data
        self._page_size = page_size
        self._ranges = list(ranges) or [(0, len(data) * 8 * page_size)]
        self._starts = [start for start, _ in self._ranges]
        sizes = ((end - start) // page_size for start, end in self._ranges)
        self._first_bits = [0, *accumulate(sizes)]
        self._block = max(_LEAST_BLOCK, -(-len(data) // _MOST_SUMS))
        counts = (
            _count(data[offset : offset + self._block])
            for offset in range(0, len(data), self._block)
        )
        self._sums = [0, *accumulate(counts)]

    @property
    def count(self) -> int:
        """Pages in the dump."""
        return self._sums[-1]

    def number(self, physical: int) -> int | None:
        """The number, from 0, of the page that ``physical`` lies in, if it is there."""
        index = bisect_right(self._starts, physical) - 1
        if index < 0 or physical >= self._ranges[index][1]:
            return None
        start = self._starts[index]
        bit = self._first_bits[index] + (physical - start) // self._page_size
        byte, shift = divmod(bit, 8)
        if byte >= len(self._data) or not self._data[byte] >> shift & 1:
            return None
        block = byte // self._block
        before = _count(self._data[block * self._block : byte])
        within = (self._data[byte] & (1 << shift) - 1).bit_count()
        return self._sums[block] + before + within


def _count(data: memoryview) -> int:
    return int.from_bytes(data, "little").bit_count()
