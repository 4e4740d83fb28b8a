"""jemalloc's heap as one: what is at an address, what was freed, what contradicts."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from coresnap.analysis.heap.heaps import Placement
from coresnap.analysis.heap.jemalloc.extents import (
    ACTIVE,
    DIRTY,
    MUZZY,
    RETAINED,
    Extent,
)
from coresnap.analysis.heap.jemalloc.radix_tree import RadixTree
from coresnap.analysis.heap.jemalloc.thread_caches import CachedRegions
from coresnap.elfcore.memory import Memory
from coresnap.model import Allocator, Block, HeapDamage

__all__ = ["Discovery", "JemallocHeap"]

_NAME = "jemalloc"
_PREVIEW = 64
_FREED_SHOWN = 64
_DAMAGE_SHOWN = 16
_STATES = {DIRTY: "dirty", MUZZY: "muzzy", RETAINED: "retained"}


class Discovery(msgspec.Struct, frozen=True):
    """What was found of jemalloc in a core."""

    memory: Memory
    tree: RadixTree
    version: str
    found_by: str
    caches: Sequence[CachedRegions]
    """Of all threads, the crashed one first."""
    is_working: bool
    """A thread was inside jemalloc, so that its data may contradict for the moment."""
    notes: tuple[str, ...] = ()


class _Slot(msgspec.Struct, frozen=True):
    """Where a cached region waits."""

    bin: CachedRegions
    index: int

    @property
    def address(self) -> int:
        return self.bin.stack + 8 * self.index


class JemallocHeap:
    """The heap of jemalloc 5. The tree is walked when something is asked for."""

    def __init__(self, found: Discovery) -> None:
        self._found = found
        self._memory = found.memory

    # --- what is where ------------------------------------------------------

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is in no extent."""
        extent = self._extent_at(address)
        if extent is None:
            return None
        if not extent.is_slab:
            block = self._whole(extent)
            return Placement(block, address - block.address, self._below(extent))
        region = min((address - extent.start) // extent.unit, extent.regions - 1)
        block = self._region(extent, region)
        before = self._region(extent, region - 1) if region else self._below(extent)
        return Placement(block, address - block.address, before)

    def linked(self, value: int) -> Block | None:
        """None: jemalloc writes nothing into free memory."""
        return None

    def freed(self) -> Iterator[Block]:
        """Blocks that were handed out and are free: those of the threads' caches, the
        crashed thread's first; then those of slabs; then whole extents."""
        for one in self._found.caches:
            for address in one.addresses:
                block = self._block_at(address)
                if block is not None and block.state == "free":
                    yield block
        yield from self._freed_of_slabs()
        for state in (DIRTY, MUZZY):
            for extent in self._extents:
                if extent.state == state:
                    yield self._whole(extent)

    def _freed_of_slabs(self) -> Iterator[Block]:
        for extent in self._extents:
            if not extent.is_slab or not extent.bitmap:
                continue
            for region in range(extent.regions):
                if extent.bitmap >> region & 1:
                    block = self._region(extent, region)
                    if block.state == "free":
                        yield block

    # --- extents and their blocks -------------------------------------------

    @functools.cached_property
    def _extents(self) -> list[Extent]:
        """All of them, ascending; none that begins in the one before."""
        kept: list[Extent] = []
        for extent in self._found.tree.extents(self._memory):
            if not kept or extent.start >= kept[-1].end:
                kept.append(extent)
        return kept

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [extent.start for extent in self._extents]

    @functools.cached_property
    def _slots(self) -> Mapping[int, list[_Slot]]:
        """Where each cached region waits; more than once is once too often."""
        slots: dict[int, list[_Slot]] = {}
        for one in self._found.caches:
            for index, address in enumerate(one.addresses):
                slots.setdefault(address, []).append(_Slot(one, index))
        return slots

    def _extent_at(self, address: int) -> Extent | None:
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._extents[index].end:
            return self._extents[index]
        return None

    def _below(self, extent: Extent) -> Block | None:
        """The last block of the extent that ends where this one begins."""
        below = self._extent_at(extent.start - 1)
        if below is None or below.state != ACTIVE:
            return None
        if below.is_slab:
            return self._region(below, below.regions - 1)
        return self._whole(below)

    def _block_at(self, address: int) -> Block | None:
        """The block that begins at ``address``; None if none does."""
        extent = self._extent_at(address)
        if extent is None:
            return None
        if not extent.is_slab:
            return self._whole(extent) if address == extent.address else None
        region, rest = divmod(address - extent.start, extent.unit)
        return None if rest else self._region(extent, region)

    def _whole(self, extent: Extent) -> Block:
        """An extent as one block."""
        if extent.state == ACTIVE:
            slots = self._slots.get(extent.address)
            where = _cache_name(slots[0].bin, extent.unit) if slots else None
            state = "free" if slots else "live"
            return self._block(extent, extent.address, extent.unit, state, where)
        # Retained pages are the system's again, or were never used: reading them
        # gives zeros, and whoever had them is long gone.
        state = "free" if extent.state in (DIRTY, MUZZY) else "top"
        kind = _STATES.get(extent.state, "passing")
        where = f"{kind} extents of arena {extent.arena}"
        return self._block(extent, extent.start, extent.size, state, where)

    def _region(self, extent: Extent, region: int) -> Block:
        """One region of a slab."""
        address = extent.start + region * extent.unit
        slots = self._slots.get(address)
        where: str | None = None
        if slots:
            used = self._is_used(slots[0])
            where = _cache_name(slots[0].bin, extent.unit)
        elif extent.bitmap >> region & 1:
            used = self._was_used(extent, region)
            where = f"slab of arena {extent.arena}, class {extent.unit}"
        else:
            return self._block(extent, address, extent.unit, "live", None)
        state = "free" if used else "top"
        return self._block(extent, address, extent.unit, state, where)

    def _block(
        self, extent: Extent, address: int, size: int, state: str, where: str | None
    ) -> Block:
        return Block(
            address=address,
            size=size,
            state=state,
            allocator=_NAME,
            free_list=where,
            arena=str(extent.arena),
            preview=self._memory.read_some(address, min(size, _PREVIEW)),
        )

    # --- what was never handed out -------------------------------------------

    def _was_used(self, extent: Extent, region: int) -> bool:
        """Whether a free region of a slab was ever handed out.

        jemalloc takes the lowest free region, so all below one in use were used; above
        all of those, what is not zero was.
        """
        in_use = ~extent.bitmap & (1 << extent.regions) - 1
        if region < in_use.bit_length():
            return True
        start = extent.start + region * extent.unit
        return any(self._memory.read_some(start, extent.end - start))

    def _is_used(self, slot: _Slot) -> bool:
        """Whether a cached region was ever handed out.

        A bin is filled with a row of regions, the lowest of which is handed out first:
        the row's rest waits, untouched, at the old end of the stack.
        """
        return slot.index < self._fresh_from(slot.bin)

    def _fresh_from(self, one: CachedRegions) -> int:
        """Index of the first item of a bin that was never handed out."""
        if one.stack not in self._fresh:
            self._fresh[one.stack] = self._find_fresh(one)
        return self._fresh[one.stack]

    @functools.cached_property
    def _fresh(self) -> dict[int, int]:
        return {}

    def _find_fresh(self, one: CachedRegions) -> int:
        index, follower = len(one.addresses), 0
        while index and self._is_fresh(one.addresses[index - 1], follower):
            follower = one.addresses[index - 1]
            index -= 1
        return index

    def _is_fresh(self, address: int, follower: int) -> bool:
        """Whether a region is one of a row that reaches to ``follower``, untouched."""
        extent = self._extent_at(address)
        if extent is None or not extent.is_slab or address == extent.start:
            return False
        in_row = follower == address + extent.unit
        if extent.start <= follower < extent.end and not in_row:
            return False
        return not any(self._memory.read_some(address, extent.unit))

    # --- the heap as a whole --------------------------------------------------

    def report(self) -> Allocator:
        """Totals and damage."""
        totals = _Totals()
        for extent in self._extents:
            totals.add(extent)
        for address in self._slots:
            block = self._block_at(address)
            if block is not None and block.free_list is not None:
                totals.move(block.size)
        freed: list[Block] = []
        for block in self.freed():
            freed.append(block)
            if len(freed) == _FREED_SHOWN:
                break
        return Allocator(
            name=_NAME,
            version=self._found.version,
            found_by=self._found.found_by,
            arenas=len({extent.arena for extent in self._extents}),
            live_blocks=totals.live_blocks,
            live_bytes=totals.live_bytes,
            free_blocks=totals.free_blocks,
            free_bytes=totals.free_bytes,
            mapped_bytes=totals.mapped_bytes,
            damage=tuple(self._damage())[:_DAMAGE_SHOWN],
            freed=tuple(freed),
            notes=self._found.notes,
        )

    def _damage(self) -> Iterator[HeapDamage]:
        return iter(())


class _Totals(msgspec.Struct):
    """Blocks and bytes, live and free."""

    live_blocks: int = 0
    live_bytes: int = 0
    free_blocks: int = 0
    free_bytes: int = 0
    mapped_bytes: int = 0

    def add(self, extent: Extent) -> None:
        """Count an extent, as if no cache held anything of it."""
        self.mapped_bytes += extent.size
        if extent.is_slab:
            free = extent.bitmap.bit_count()
            self.live_blocks += extent.regions - free
            self.live_bytes += (extent.regions - free) * extent.unit
            self.free_blocks += free
            self.free_bytes += free * extent.unit
        elif extent.state == ACTIVE:
            self.live_blocks += 1
            self.live_bytes += extent.unit
        elif extent.state in (DIRTY, MUZZY):
            self.free_blocks += 1
            self.free_bytes += extent.size

    def move(self, size: int) -> None:
        """A block that is counted as live waits in a cache."""
        self.live_blocks -= 1
        self.live_bytes -= size
        self.free_blocks += 1
        self.free_bytes += size


def _cache_name(one: CachedRegions, size: int) -> str:
    return f"tcache of thread {one.tid}, class {size}"
