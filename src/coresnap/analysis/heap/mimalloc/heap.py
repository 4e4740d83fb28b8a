"""mimalloc's heap as one: what is at an address, what was freed, what contradicts."""

from __future__ import annotations

import functools
import itertools
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from coresnap.analysis.heap.free_lists import (
    FreeList,
    ListedBlock,
    first_untouched,
    walk_list,
)
from coresnap.analysis.heap.heaps import Placement
from coresnap.analysis.heap.mimalloc.segments import Page, Segment, read_pages
from coresnap.elfcore.memory import Memory
from coresnap.model import Allocator, Block, HeapDamage

__all__ = ["Discovery", "MimallocHeap"]

_NAME = "mimalloc"
_PREVIEW = 64
_FREED_SHOWN = 64
_DAMAGE_SHOWN = 16
_CHECKED_BLOCKS = 300_000
"""Of pages' lists, when damage is looked for."""


class Discovery(msgspec.Struct, frozen=True):
    """What was found of mimalloc in a core."""

    memory: Memory
    segments: Sequence[Segment]
    """Ascending."""
    threads: Mapping[int, int]
    """Thread pointer to id; the crashed thread first."""
    working: frozenset[int]
    """Threads that were inside mimalloc, whose lists may contradict for the moment."""


class MimallocHeap:
    """The heap of mimalloc 2.0. Walked when something is asked for."""

    def __init__(self, found: Discovery) -> None:
        self._found = found
        self._memory = found.memory
        self._listed: dict[int, Mapping[int, ListedBlock]] = {}
        self._lists: dict[int, list[FreeList]] = {}
        self._first_untouched: dict[int, int] = {}

    # --- what is where ------------------------------------------------------

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is in no segment."""
        segment = self._segment_at(address)
        if segment is None:
            return None
        if address < segment.address + segment.own:
            block = Block(segment.address, segment.own, "metadata", _NAME)
            return Placement(block, address - segment.address)
        page = self._page_at(address)
        if page is None:
            return self._place_unused(segment, address)
        number = (address - page.start) // page.unit
        number = min(max(number, 0), max(page.reserved - 1, 0))
        block = self._block_of(page, number)
        before = self._block_of(page, number - 1) if number else None
        return Placement(block, address - block.address, before)

    def _place_unused(self, segment: Segment, address: int) -> Placement:
        """Slices that no page has: never used, or whatever was there is long gone."""
        index = bisect_right(self._starts, address)
        before, after = self._pages[:index][-1:], self._pages[index : index + 1]
        start, end = segment.address + segment.own, segment.address + segment.size
        if before:
            start = max(start, before[0].end)
        if after:
            end = min(end, after[0].start)
        return Placement(Block(start, end - start, "top", _NAME), address - start)

    def linked(self, value: int) -> Block | None:
        """The free block whose first word is ``value``, the address of the next."""
        page = self._page_at(value)
        for one in () if page is None else self._lists_of(page):
            if value in one.addresses[1:]:
                return self._block_at(one.addresses[one.addresses.index(value) - 1])
        return None

    def freed(self) -> Iterator[Block]:
        """Blocks that were handed out and are free, by page: the crashed thread's pages
        first; of each the blocks that its owner freed, then others."""
        order = {pointer: n for n, pointer in enumerate(self._found.threads)}
        pages = sorted(self._pages, key=lambda p: order.get(p.owner, len(order)))
        for page in pages:
            for address in self._listed_in(page):
                block = self._block_at(address)
                if block is not None and block.state == "free":
                    yield block

    # --- segments, pages, blocks ---------------------------------------------

    @functools.cached_property
    def _pages(self) -> list[Page]:
        segments = self._found.segments
        return [page for one in segments for page in read_pages(self._memory, one)]

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [page.start for page in self._pages]

    def _page_at(self, address: int) -> Page | None:
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._pages[index].end:
            return self._pages[index]
        return None

    @functools.cached_property
    def _segment_starts(self) -> list[int]:
        return [segment.address for segment in self._found.segments]

    def _segment_at(self, address: int) -> Segment | None:
        index = bisect_right(self._segment_starts, address) - 1
        segment = self._found.segments[index] if index >= 0 else None
        if segment is None or address >= segment.address + segment.size:
            return None
        return segment

    def _lists_of(self, page: Page) -> list[FreeList]:
        """The owner's frees, those of other threads, what is next to be handed out."""
        if page.start not in self._lists:
            tid = self._found.threads.get(page.owner)
            owner = "an ended thread" if tid is None else f"thread {tid}"
            heads = (
                (f"local frees of {owner}, size {page.unit}", page.local),
                (f"frees of others than {owner}, size {page.unit}", page.foreign),
                (f"free blocks of {owner}, size {page.unit}", page.free),
            )
            is_block = functools.partial(_is_block, page)
            self._lists[page.start] = [
                walk_list(
                    self._memory, name, head, is_block, limit=page.capacity, tid=tid
                )
                for name, head in heads
            ]
        return self._lists[page.start]

    def _listed_in(self, page: Page) -> Mapping[int, ListedBlock]:
        """The free blocks of a page, the most recently freed first."""
        if page.start not in self._listed:
            listed: dict[int, ListedBlock] = {}
            for one in self._lists_of(page):
                for index, address in enumerate(one.addresses):
                    listed.setdefault(address, ListedBlock(one, index))
            self._listed[page.start] = listed
        return self._listed[page.start]

    def _block_at(self, address: int) -> Block | None:
        page = self._page_at(address)
        if page is None or (address - page.start) % page.unit:
            return None
        return self._block_of(page, (address - page.start) // page.unit)

    def _block_of(self, page: Page, number: int) -> Block:
        address = page.start + number * page.unit
        listed = self._listed_in(page).get(address)
        state, where = "live", None
        if number >= page.capacity:
            state = "top"
        elif listed is not None:
            where = listed.list.name
            state = "top" if self._is_untouched(page, listed) else "free"
        preview = self._memory.read_some(address, min(page.unit, _PREVIEW))
        return Block(address, page.unit, state, _NAME, where, preview=preview)

    def _is_untouched(self, page: Page, listed: ListedBlock) -> bool:
        """Whether a free block was never handed out: only lists of those that are next
        have such."""
        one = listed.list
        if one is not self._lists_of(page)[-1]:
            return False
        if page.start not in self._first_untouched:
            self._first_untouched[page.start] = first_untouched(
                self._memory, one.addresses, page.unit, lambda _: page.start
            )
        return listed.index >= self._first_untouched[page.start]

    # --- the heap as a whole --------------------------------------------------

    def report(self) -> Allocator:
        """Totals and damage."""
        return self._report

    @functools.cached_property
    def _report(self) -> Allocator:
        live = live_bytes = free = free_bytes = 0
        for page in self._pages:
            # Most pages have none of these, and lists are long.
            foreign = self._lists_of(page)[1].addresses if page.foreign else ()
            in_use = max(0, page.used - len(foreign))
            live, live_bytes = live + in_use, live_bytes + in_use * page.unit
            rest = max(0, page.capacity - in_use)
            free, free_bytes = free + rest, free_bytes + rest * page.unit
        return Allocator(
            name=_NAME,
            found_by="structure",
            arenas=len({segment.owner for segment in self._found.segments}),
            live_blocks=live,
            live_bytes=live_bytes,
            free_blocks=free,
            free_bytes=free_bytes,
            mapped_bytes=sum(segment.size for segment in self._found.segments),
            damage=tuple(itertools.islice(self._damage(), _DAMAGE_SHOWN)),
            freed=tuple(itertools.islice(self.freed(), _FREED_SHOWN)),
            notes=tuple(self._notes()),
        )

    def _damage(self) -> Iterator[HeapDamage]:
        checked = 0
        for page in self._pages:
            lists = self._lists_of(page)
            checked += sum(len(one.addresses) for one in lists)
            if checked > _CHECKED_BLOCKS:
                return
            if self._found.working:
                continue
            for one in lists:
                if one.flaw is not None:
                    yield self._flaw(*one.flaw)
            yield from self._in_two_lists(lists)
            if page.used < 0:
                what = f"{-page.used} blocks more were freed than were handed out"
                yield self._flaw(page.start, "count", f"of this page {what}")

    def _in_two_lists(self, lists: Sequence[FreeList]) -> Iterator[HeapDamage]:
        for one, other in itertools.combinations(lists, 2):
            for address in sorted(set(one.addresses) & set(other.addresses)):
                what = f"the block waits among the {one.name} and the {other.name}"
                yield self._flaw(address, "twice", what)

    def _flaw(self, address: int, kind: str, what: str) -> HeapDamage:
        data = self._memory.read_some(address, 8)
        return HeapDamage(address, what, _NAME, data=data, kind=kind)

    def _notes(self) -> Iterator[str]:
        yield "laid out as in mimalloc 2.0.9; others may differ"
        yield "a block that another thread freed may wait unseen, and counts as live"
        if self._found.working:
            threads = ", ".join(map(str, sorted(self._found.working)))
            yield f"inside mimalloc at the time: thread {threads}; no lists are checked"


def _is_block(page: Page, address: int) -> bool:
    """Whether a block of the page that was ever in a list begins at ``address``."""
    offset = address - page.start
    return 0 <= offset < page.capacity * page.unit and offset % page.unit == 0
