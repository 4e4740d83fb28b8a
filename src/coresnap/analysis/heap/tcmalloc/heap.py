"""tcmalloc's heap as one: what is at an address, what was freed, what contradicts."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.heap.free_lists import FreeList
from coresnap.analysis.heap.heaps import Placement
from coresnap.analysis.heap.tcmalloc.free_objects import FreeObjects
from coresnap.analysis.heap.tcmalloc.page_map import PageMap
from coresnap.analysis.heap.tcmalloc.spans import NORMAL, RETURNED, Span, SpanIndex
from coresnap.analysis.heap.tcmalloc.thread_caches import ThreadCache
from coresnap.elfcore.memory import Memory
from coresnap.model import Allocator, Block, HeapDamage

__all__ = ["Discovery", "TcmallocHeap"]

_NAME = "tcmalloc"
_PREVIEW = 64
_FREED_SHOWN = 64
_DAMAGE_SHOWN = 16
_CHECKED_OBJECTS = 300_000
"""Of spans' own lists, when damage is looked for."""


class Discovery(msgspec.Struct, frozen=True):
    """What was found of tcmalloc in a core."""

    memory: Memory
    pages: PageMap
    caches: Sequence[ThreadCache]
    """The crashed thread's first."""
    working: frozenset[int]
    """Threads that were inside tcmalloc, whose lists may contradict for the moment."""


class TcmallocHeap:
    """The heap of gperftools' tcmalloc. Walked when something is asked for."""

    def __init__(self, found: Discovery) -> None:
        self._found = found
        self._memory = found.memory

    # --- what is where ------------------------------------------------------

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is in no span."""
        span = self._index.at(address)
        if span is None:
            return None
        if not span.size_class:
            block = self._whole(span)
            return Placement(block, address - block.address, self._below(span))
        unit = self._free.unit(span)
        if not unit:
            block = self._block(span.start, span.size, "unknown", None)
            return Placement(block, address - span.start)
        number = (address - span.start) // unit
        if number >= span.size // unit:
            # What is left of the last page is nobody's; the last object's overrun.
            number = span.size // unit - 1
        block = self._object(span, number)
        before = self._object(span, number - 1) if number else self._below(span)
        return Placement(block, address - block.address, before)

    def linked(self, value: int) -> Block | None:
        """The free object whose first word is ``value``, the address of the next."""
        address = self._free.linking_to(value)
        return None if address is None else self._block_at(address)

    def freed(self) -> Iterator[Block]:
        """Objects that were handed out and are free: those of the threads' caches, the
        crashed thread's first; then those between threads, those of spans, whole
        spans."""
        own = (
            address
            for span in self._index.spans
            for address in self._free.in_span(span)
            if address not in self._free.cached
        )
        blocks = map(self._block_at, itertools.chain(self._free.cached, own))
        yield from (b for b in blocks if b is not None and b.state == "free")
        yield from (self._whole(s) for s in self._index.spans if s.location == NORMAL)

    # --- spans and their blocks ---------------------------------------------

    @functools.cached_property
    def _index(self) -> SpanIndex:
        return SpanIndex(self._found.pages.spans(self._memory))

    @functools.cached_property
    def _free(self) -> FreeObjects:
        return FreeObjects(self._memory, self._index, self._found.caches)

    def _below(self, span: Span) -> Block | None:
        """The last block of the span that ends where this one begins."""
        below = self._index.at(span.start - 1)
        if below is None or below.location:
            return None
        if not below.size_class:
            return self._whole(below)
        unit = self._free.unit(below)
        return self._object(below, below.size // unit - 1) if unit else None

    def _block_at(self, address: int) -> Block | None:
        """The object that begins at ``address``; None if none does."""
        span = self._index.at(address)
        unit = 0 if span is None else self._free.unit(span)
        if span is None or not unit or (address - span.start) % unit:
            return None
        return self._object(span, (address - span.start) // unit)

    def _whole(self, span: Span) -> Block:
        if span.location == NORMAL:
            return self._block(span.start, span.size, "free", "normal spans")
        if span.location == RETURNED:
            return self._block(span.start, span.size, "top", "returned spans")
        return self._block(span.start, span.size, "live", None)

    def _object(self, span: Span, number: int) -> Block:
        unit = self._free.unit(span)
        address = span.start + number * unit
        place = self._free.cached.get(address) or self._free.in_span(span).get(address)
        if place is None:
            return self._block(address, unit, "live", None)
        state = "top" if self._free.is_fresh(place, unit) else "free"
        return self._block(address, unit, state, place.list.name)

    def _unit_at(self, address: int) -> int:
        span = self._index.at(address)
        return 0 if span is None else self._free.unit(span)

    def _block(self, address: int, size: int, state: str, where: str | None) -> Block:
        preview = self._memory.read_some(address, min(size, _PREVIEW))
        return Block(address, size, state, _NAME, where, preview=preview)

    # --- the heap as a whole --------------------------------------------------

    def report(self) -> Allocator:
        """Totals and damage."""
        return self._report

    @functools.cached_property
    def _report(self) -> Allocator:
        live = free = live_bytes = free_bytes = mapped = 0
        for span in self._index.spans:
            unit, mapped = self._free.unit(span), mapped + span.size
            if span.size_class and unit:
                live, live_bytes = live + span.used, live_bytes + span.used * unit
                rest = max(0, span.size // unit - span.used)
                free, free_bytes = free + rest, free_bytes + rest * unit
            elif not span.location:
                live, live_bytes = live + 1, live_bytes + span.size
            elif span.location == NORMAL:
                free, free_bytes = free + 1, free_bytes + span.size
        moved = sum(self._unit_at(address) for address in self._free.cached)
        return Allocator(
            name=_NAME,
            found_by="structure",
            arenas=1,
            live_blocks=max(0, live - len(self._free.cached)),
            live_bytes=max(0, live_bytes - moved),
            free_blocks=free + len(self._free.cached),
            free_bytes=free_bytes + moved,
            mapped_bytes=mapped,
            damage=tuple(itertools.islice(self._damage(), _DAMAGE_SHOWN)),
            freed=tuple(itertools.islice(self.freed(), _FREED_SHOWN)),
            notes=tuple(self._notes()),
        )

    def _damage(self) -> Iterator[HeapDamage]:
        working = self._found.working
        for one in self._free.cached_lists:
            if not working or one.tid not in {None, *working}:
                yield from self._of_list(one)
        checked = 0
        for span in () if working else self._index.spans:
            places = self._free.in_span(span)
            checked += len(places)
            if places:
                yield from self._of_list(next(iter(places.values())).list)
            for address in places:
                if address in self._free.cached:
                    where = self._free.cached[address].list.name
                    what = f"the block waits in its span and in the {where}"
                    yield self._flaw(address, "twice", what)
            if checked > _CHECKED_OBJECTS:
                return

    def _of_list(self, one: FreeList) -> Iterator[HeapDamage]:
        if one.flaw is not None:
            yield self._flaw(*one.flaw)

    def _flaw(self, address: int, kind: str, what: str) -> HeapDamage:
        data = self._memory.read_some(address, 8)
        return HeapDamage(address, what, _NAME, data=data, kind=kind)

    def _notes(self) -> Iterator[str]:
        yield "laid out as in gperftools 2.10; others may differ"
        if not self._found.caches:
            yield "no thread's cache was found: sizes of small objects are not known"
        if self._found.working:
            threads = ", ".join(map(str, sorted(self._found.working)))
            yield (
                f"inside tcmalloc at the time: thread {threads}; their lists, and those"
                " of spans, are not checked for damage"
            )
