"""Where tcmalloc's free objects wait: in threads' caches, between threads, in spans."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from coresnap.analysis.heap.free_lists import (
    LIST_LIMIT,
    FreeList,
    ListedBlock,
    first_untouched,
    walk_list,
)
from coresnap.analysis.heap.tcmalloc.spans import Span, SpanIndex
from coresnap.analysis.heap.tcmalloc.thread_caches import ThreadCache
from coresnap.analysis.heap.tcmalloc.transfer_caches import find_chains
from coresnap.elfcore.memory import Memory

__all__ = ["FreeObjects"]


class FreeObjects:
    """All lists. Walked when something is asked for, each once."""

    def __init__(
        self, memory: Memory, index: SpanIndex, caches: Sequence[ThreadCache]
    ) -> None:
        self._memory, self._index, self._caches = memory, index, caches
        self._sizes = caches[0].sizes if caches else ()
        self._in_spans: dict[int, dict[int, ListedBlock]] = {}
        self._fresh: dict[int, int] = {}

    def unit(self, span: Span) -> int:
        """Bytes of a span's objects; 0 if nobody says."""
        if span.size_class < len(self._sizes):
            return self._sizes[span.size_class]
        return 0

    @functools.cached_property
    def cached_lists(self) -> list[FreeList]:
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
            for one in self._caches
            for number in range(1, len(one.sizes))
        ]
        by_descriptor = {span.descriptor: span for span in self._index.spans}
        for number, head in find_chains(self._memory, self._index.spans, by_descriptor):
            if number < len(self._sizes):
                name = f"transfer cache, class {self._sizes[number]}"
                lists.append(self._walk(name, number, head))
        return [one for one in lists if one.addresses]

    @functools.cached_property
    def cached(self) -> Mapping[int, ListedBlock]:
        """The objects in these lists."""
        return {
            address: ListedBlock(one, index)
            for one in self.cached_lists
            for index, address in enumerate(one.addresses)
        }

    def in_span(self, span: Span) -> Mapping[int, ListedBlock]:
        """The objects in a span's own list."""
        if not span.size_class or not self.unit(span):
            return {}
        if span.start not in self._in_spans:
            name = f"span, class {self.unit(span)}"
            one = self._walk(name, span.size_class, span.objects)
            self._in_spans[span.start] = {
                address: ListedBlock(one, index)
                for index, address in enumerate(one.addresses)
            }
        return self._in_spans[span.start]

    def linking_to(self, value: int) -> int | None:
        """Address of the object whose first word is ``value``, that of the next."""
        for one in self.cached_lists:
            if value in one.addresses[1:]:
                return one.addresses[one.addresses.index(value, 1) - 1]
        span = self._index.at(value)
        place = None if span is None else self.in_span(span).get(value)
        if place is None or not place.index:
            return None
        return place.list.addresses[place.index - 1]

    def is_fresh(self, place: ListedBlock, unit: int) -> bool:
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
