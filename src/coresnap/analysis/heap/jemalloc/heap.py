"""jemalloc's heap as one: what is at an address, what was freed, what contradicts."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from coresnap.analysis.heap.heaps import Placement
from coresnap.analysis.heap.jemalloc.base_blocks import find_base_block
from coresnap.analysis.heap.jemalloc.damage import DamageSearch, Slot
from coresnap.analysis.heap.jemalloc.extent_index import ExtentIndex
from coresnap.analysis.heap.jemalloc.extents import (
    ACTIVE,
    DIRTY,
    MUZZY,
    RETAINED,
    Extent,
)
from coresnap.analysis.heap.jemalloc.radix_tree import RadixTree, Walk
from coresnap.analysis.heap.jemalloc.thread_caches import CachedRegions
from coresnap.analysis.heap.jemalloc.untouched import Untouched
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
    """As in ``Allocator.found_by``."""
    caches: Sequence[CachedRegions]
    """Of all threads, the crashed one's first."""
    working: frozenset[int | None]
    """Threads that were inside jemalloc, whose caches may contradict for the moment;
    None if that is not known."""
    notes: tuple[str, ...] = ()


class JemallocHeap:
    """The heap of jemalloc 5. The tree is walked when something is asked for."""

    def __init__(self, found: Discovery) -> None:
        self._found = found
        self._memory = found.memory

    # --- what is where ------------------------------------------------------

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is not memory of jemalloc."""
        extent = self._index.at(address)
        if extent is None:
            return self._place_metadata(address)
        if not extent.is_slab:
            block = self._whole(extent)
            return Placement(block, address - block.address, self._below(extent))
        region = min((address - extent.start) // extent.unit, extent.regions - 1)
        block = self._region(extent, region)
        before = self._region(extent, region - 1) if region else self._below(extent)
        return Placement(block, address - block.address, before)

    def _place_metadata(self, address: int) -> Placement | None:
        span = find_base_block(self._memory, address, self._found.tree.fields)
        if span is None:
            return None
        start, end = span
        block = Block(start, end - start, "metadata", _NAME)
        return Placement(block, address - start)

    def linked(self, value: int) -> Block | None:
        """None: jemalloc writes nothing into free memory."""
        return None

    def freed(self) -> Iterator[Block]:
        """Blocks that were handed out and are free: those of the threads' caches, the
        crashed thread's first; then those of slabs; then whole extents."""
        blocks = map(self._block_at, self._slots)
        candidates = itertools.chain(
            blocks, self._free_in_slabs(), self._free_extents()
        )
        for block in candidates:
            if block is not None and block.state == "free":
                yield block

    def _free_in_slabs(self) -> Iterator[Block]:
        for extent in self._index.extents:
            for region in range(extent.regions if extent.bitmap else 0):
                if extent.bitmap >> region & 1:
                    yield self._region(extent, region)

    def _free_extents(self) -> Iterator[Block]:
        for state in (DIRTY, MUZZY):
            yield from map(
                self._whole, (e for e in self._index.extents if e.state == state)
            )

    # --- extents and their blocks -------------------------------------------

    @functools.cached_property
    def _walk(self) -> Walk:
        return self._found.tree.walk(self._memory)

    @functools.cached_property
    def _index(self) -> ExtentIndex:
        return ExtentIndex(self._walk.extents)

    @functools.cached_property
    def _untouched(self) -> Untouched:
        return Untouched(self._memory, self._index)

    @functools.cached_property
    def _slots(self) -> Mapping[int, Sequence[Slot]]:
        """Where each cached region waits; more than once is once too often."""
        slots: dict[int, list[Slot]] = {}
        for one in self._found.caches:
            for index, address in enumerate(one.addresses):
                slots.setdefault(address, []).append(Slot(one, index))
        return slots

    @functools.cached_property
    def _stacks(self) -> frozenset[int]:
        """Blocks that jemalloc itself asked for, to keep the threads' caches in."""
        found: set[int] = set()
        for one in self._found.caches:
            extent = self._index.at(one.stack)
            if extent is not None and extent.is_slab:
                region = (one.stack - extent.start) // extent.unit
                found.add(extent.start + region * extent.unit)
            elif extent is not None:
                found.add(extent.address)
        return frozenset(found)

    def _below(self, extent: Extent) -> Block | None:
        """The last block of the extent that ends where this one begins."""
        below = self._index.at(extent.start - 1)
        if below is None or below.state != ACTIVE:
            return None
        if below.is_slab:
            return self._region(below, below.regions - 1)
        return self._whole(below)

    def _block_at(self, address: int) -> Block | None:
        """The block that begins at ``address``; None if none does."""
        extent = self._index.handed_out(address)
        if extent is None:
            return None
        if not extent.is_slab:
            return self._whole(extent)
        return self._region(extent, (address - extent.start) // extent.unit)

    def _whole(self, extent: Extent) -> Block:
        """An extent as one block."""
        if extent.state == ACTIVE:
            slots = self._slots.get(extent.address)
            where = slots[0].name if slots else None
            state = "free" if slots else "live"
            return self._block(extent, extent.address, extent.unit, state, where)
        # Retained pages are the system's again, or were never used: reading them
        # gives zeros, and whoever had them is long gone.
        state = "free" if extent.state in (DIRTY, MUZZY) else "top"
        kind = _STATES.get(extent.state, "passing")
        where = f"{kind} extents"
        return self._block(extent, extent.start, extent.size, state, where)

    def _region(self, extent: Extent, region: int) -> Block:
        """One region of a slab."""
        address = extent.start + region * extent.unit
        slots = self._slots.get(address)
        where: str | None = None
        if slots:
            is_fresh = self._untouched.in_cache(slots[0].bin, slots[0].index)
            where = slots[0].name
        elif extent.bitmap >> region & 1:
            is_fresh = self._untouched.in_slab(extent, region)
            where = f"slab, class {extent.unit}"
        else:
            return self._block(extent, address, extent.unit, "live", None)
        state = "top" if is_fresh else "free"
        return self._block(extent, address, extent.unit, state, where)

    def _block(
        self, extent: Extent, address: int, size: int, state: str, where: str | None
    ) -> Block:
        if state == "live" and address in self._stacks:
            state = "metadata"
        return Block(
            address=address,
            size=size,
            state=state,
            allocator=_NAME,
            free_list=where,
            arena=f"arena {extent.arena}",
            preview=self._memory.read_some(address, min(size, _PREVIEW)),
        )

    # --- the heap as a whole --------------------------------------------------

    def report(self) -> Allocator:
        """Totals and damage."""
        return self._report

    @functools.cached_property
    def _report(self) -> Allocator:
        totals = _Totals()
        for extent in self._index.extents:
            totals.add(extent)
        for address in self._slots:
            block = self._block_at(address)
            if block is not None and "tcache" in (block.free_list or ""):
                totals.move(block.size)
        return Allocator(
            name=_NAME,
            version=self._found.version,
            found_by=self._found.found_by,
            arenas=len({extent.arena for extent in self._index.extents}),
            live_blocks=totals.live_blocks,
            live_bytes=totals.live_bytes,
            free_blocks=totals.free_blocks,
            free_bytes=totals.free_bytes,
            mapped_bytes=totals.mapped_bytes,
            damage=tuple(itertools.islice(self._damage(), _DAMAGE_SHOWN)),
            freed=tuple(itertools.islice(self.freed(), _FREED_SHOWN)),
            notes=(*self._found.notes, *self._notes()),
        )

    def _damage(self) -> Iterator[HeapDamage]:
        return DamageSearch(
            self._memory,
            self._index,
            self._slots,
            self._walk.broken,
            self._found.working,
        ).run()

    def _notes(self) -> Iterator[str]:
        if self._walk.is_cut:
            yield "there are more extents than are read"
        if not self._found.caches:
            yield "no thread's cache was found: what waits there counts as live"
        if None in self._found.working:
            yield "what threads did is not known: little is checked for damage"
        elif self._found.working:
            threads = ", ".join(map(str, self._found.working))
            yield (
                f"inside jemalloc at the time: thread {threads}; the caches of such,"
                " and what slabs count, are not checked for damage"
            )


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
