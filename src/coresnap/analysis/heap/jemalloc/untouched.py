"""Which free regions were never handed out.

jemalloc fills a thread's cache with a row of regions, and the program gets them one by
one. What it never got is free all the same, but nobody can have kept a pointer to it.
Only what is sure counts as never handed out: it is zero, and so is all behind it.
"""

from __future__ import annotations

from collections.abc import Sequence

from coresnap.analysis.heap.jemalloc.extent_index import ExtentIndex
from coresnap.analysis.heap.jemalloc.extents import Extent
from coresnap.analysis.heap.jemalloc.thread_caches import CachedRegions
from coresnap.elfcore.memory import Memory

__all__ = ["Untouched"]


class Untouched:
    """Tells free regions that were handed out once from those that never were."""

    def __init__(self, memory: Memory, index: ExtentIndex) -> None:
        self._memory = memory
        self._index = index
        self._fresh: dict[int, int] = {}

    def in_slab(self, extent: Extent, region: int) -> bool:
        """Whether a free region of a slab was never handed out.

        jemalloc takes the lowest free region of a slab, so all below one that is in
        use were used.
        """
        in_use = ~extent.bitmap & (1 << extent.regions) - 1
        if region < in_use.bit_length():
            return False
        start = extent.start + region * extent.unit
        return not any(self._memory.read_some(start, extent.end - start))

    def in_cache(self, one: CachedRegions, index: int) -> bool:
        """Whether the item at ``index`` of a bin was never handed out.

        Of the row that a bin is filled with the lowest region is the newest item: the
        rest of the row waits, untouched, at the old end of the stack.
        """
        if one.stack not in self._fresh:
            self._fresh[one.stack] = self._first_fresh(one)
        return index >= self._fresh[one.stack]

    def _first_fresh(self, one: CachedRegions) -> int:
        index = len(one.addresses)
        while index and self._is_fresh(one.addresses, index - 1):
            index -= 1
        return index

    def _is_fresh(self, addresses: Sequence[int], at: int) -> bool:
        """Whether a region is one of a row that reaches to the stack's end, and zero.

        A row goes on with the first region of another slab where one is used up; else
        it begins with it, and then that was handed out.
        """
        extent = self._index.at(addresses[at])
        if extent is None or not extent.is_slab:
            return False
        newer, older = addresses[at - 1 : at], addresses[at + 1 : at + 2]
        if extent.regions > 1 and addresses[at] == extent.start:
            used_up = self._index.at(newer[0]) if newer else None
            if used_up is None or newer[0] != used_up.end - used_up.unit:
                return False
        same_slab = older and extent.start <= older[0] < extent.end
        if same_slab and older[0] != addresses[at] + extent.unit:
            return False
        return not any(self._memory.read_some(addresses[at], extent.unit))
