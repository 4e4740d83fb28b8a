"""tcmalloc's heap as one: what is at an address, what was freed, what contradicts."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from coresnap.analysis.heap.free_lists import (
    LIST_LIMIT,
    FreeList,
    ListedBlock,
    first_untouched,
    walk_list,
)
from coresnap.analysis.heap.heaps import Placement
from coresnap.analysis.heap.tcmalloc.page_map import PageMap
from coresnap.analysis.heap.tcmalloc.spans import NORMAL, RETURNED, Span, SpanIndex
from coresnap.analysis.heap.tcmalloc.thread_caches import ThreadCache
from coresnap.analysis.heap.tcmalloc.transfer_caches import find_chains
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
        self._own_lists: dict[int, dict[int, ListedBlock]] = {}
        self._fresh: dict[int, int] = {}
        self._sizes = found.caches[0].sizes if found.caches else ()

    # --- what is where ------------------------------------------------------

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is in no span."""
        span = self._index.at(address)
        if span is None:
            return None
        if not span.size_class:
            block = self._whole(span)
            return Placement(block, address - block.address, self._below(span))
        unit = self._unit(span)
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
        for one in self._cached_lists:
            if value in one.addresses[1:]:
                return self._block_at(one.addresses[one.addresses.index(value, 1) - 1])
        span = self._index.at(value)
        if span is None or not span.size_class:
            return None
        place = self._own(span).get(value)
        if place is None or not place.index:
            return None
        return self._block_at(place.list.addresses[place.index - 1])

    def freed(self) -> Iterator[Block]:
        """Objects that were handed out and are free: those of the threads' caches, the
        crashed thread's first; then those between threads, those of spans, whole
        spans."""
        own = (
            address
            for span in self._index.spans
            for address in self._own(span)
            if address not in self._cached
        )
        blocks = map(self._block_at, itertools.chain(self._cached, own))
        yield from (b for b in blocks if b is not None and b.state == "free")
        yield from (self._whole(s) for s in self._index.spans if s.location == NORMAL)

    # --- spans and their blocks ---------------------------------------------

    @functools.cached_property
    def _index(self) -> SpanIndex:
        return SpanIndex(self._found.pages.spans(self._memory))

    @functools.cached_property
    def _cached_lists(self) -> list[FreeList]:
        """Lists of the threads, then chains between them."""
        lists = [
            self._walk(
                f"cache of thread {one.tid}, class {one.sizes[number]}",
                number,
                one.heads[number],
                # A list that has lost count by a second free still has its head.
                limit=max(1, one.lengths[number]),
                tid=one.tid,
            )
            for one in self._found.caches
            for number in range(1, len(one.sizes))
        ]
        by_descriptor = {span.descriptor: span for span in self._index.spans}
        for number, head in find_chains(self._memory, self._index.spans, by_descriptor):
            if number < len(self._sizes):
                name = f"transfer cache, class {self._sizes[number]}"
                lists.append(self._walk(name, number, head))
        return [one for one in lists if one.addresses]

    def _walk(
        self,
        name: str,
        size_class: int,
        head: int,
        *,
        limit: int = LIST_LIMIT,
        tid: int | None = None,
    ) -> FreeList:
        is_block = functools.partial(self._is_object, size_class)
        return walk_list(self._memory, name, head, is_block, limit=limit, tid=tid)

    def _is_object(self, size_class: int, address: int) -> bool:
        span = self._index.at(address)
        if span is None or span.size_class != size_class:
            return False
        return (address - span.start) % self._sizes[size_class] == 0

    @functools.cached_property
    def _cached(self) -> Mapping[int, ListedBlock]:
        return {
            address: ListedBlock(one, index)
            for one in self._cached_lists
            for index, address in enumerate(one.addresses)
        }

    def _own(self, span: Span) -> Mapping[int, ListedBlock]:
        """The objects in a span's own list."""
        if not span.size_class or not self._unit(span):
            return {}
        if span.start not in self._own_lists:
            name = f"span, class {self._unit(span)}"
            one = self._walk(name, span.size_class, span.objects)
            self._own_lists[span.start] = {
                address: ListedBlock(one, index)
                for index, address in enumerate(one.addresses)
            }
        return self._own_lists[span.start]

    def _unit(self, span: Span) -> int:
        """Bytes of a span's objects; 0 if nobody says."""
        if span.size_class < len(self._sizes):
            return self._sizes[span.size_class]
        return 0

    def _below(self, span: Span) -> Block | None:
        """The last block of the span that ends where this one begins."""
        below = self._index.at(span.start - 1)
        if below is None or below.location:
            return None
        if not below.size_class:
            return self._whole(below)
        unit = self._unit(below)
        return self._object(below, below.size // unit - 1) if unit else None

    def _block_at(self, address: int) -> Block | None:
        """The object that begins at ``address``; None if none does."""
        span = self._index.at(address)
        unit = 0 if span is None else self._unit(span)
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
        unit = self._unit(span)
        address = span.start + number * unit
        place = self._cached.get(address) or self._own(span).get(address)
        if place is None:
            return self._block(address, unit, "live", None)
        state = "top" if self._is_fresh(place, unit) else "free"
        return self._block(address, unit, state, place.list.name)

    def _is_fresh(self, place: ListedBlock, unit: int) -> bool:
        """Whether a free object was never handed out."""
        key = place.list.addresses[0]
        if key not in self._fresh:
            self._fresh[key] = first_untouched(
                self._memory, place.list.addresses, unit, self._start_of
            )
        return place.index >= self._fresh[key]

    def _start_of(self, address: int) -> int:
        """The first object of the span that holds one."""
        span = self._index.at(address)
        return address if span is None else span.start

    def _unit_at(self, address: int) -> int:
        span = self._index.at(address)
        return 0 if span is None else self._unit(span)

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
            unit, mapped = self._unit(span), mapped + span.size
            if span.size_class and unit:
                live, live_bytes = live + span.used, live_bytes + span.used * unit
                rest = max(0, span.size // unit - span.used)
                free, free_bytes = free + rest, free_bytes + rest * unit
            elif not span.location:
                live, live_bytes = live + 1, live_bytes + span.size
            elif span.location == NORMAL:
                free, free_bytes = free + 1, free_bytes + span.size
        moved = sum(self._unit_at(address) for address in self._cached)
        return Allocator(
            name=_NAME,
            found_by="structure",
            arenas=1,
            live_blocks=max(0, live - len(self._cached)),
            live_bytes=max(0, live_bytes - moved),
            free_blocks=free + len(self._cached),
            free_bytes=free_bytes + moved,
            mapped_bytes=mapped,
            damage=tuple(itertools.islice(self._damage(), _DAMAGE_SHOWN)),
            freed=tuple(itertools.islice(self.freed(), _FREED_SHOWN)),
            notes=tuple(self._notes()),
        )

    def _damage(self) -> Iterator[HeapDamage]:
        working = self._found.working
        for one in self._cached_lists:
            if not working or one.tid not in {None, *working}:
                yield from self._of_list(one)
        checked = 0
        for span in () if working else self._index.spans:
            places = self._own(span)
            checked += len(places)
            if places:
                yield from self._of_list(next(iter(places.values())).list)
            for address in places:
                if address in self._cached:
                    where = self._cached[address].list.name
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
