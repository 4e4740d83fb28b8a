"""tcmalloc's page map: which span a page belongs to.

``pagemap.h`` and ``page_heap.h`` of gperftools 2.10: for 48-bit addresses a tree of two
levels whose root is within the page heap, in the data of tcmalloc's module. No symbol
says where; but at the place of a page there is the span that begins with it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import msgspec

from coresnap.analysis.heap.root_search import find_rooted
from coresnap.analysis.heap.tables import disjoint_tables, table_words
from coresnap.analysis.heap.tcmalloc.spans import Span, read_span
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import AddressSpan

__all__ = ["LEAST_LEAF", "LEAST_ROOT", "PageMap", "find_page_map"]

_ADDRESS_BITS = 48
_SHIFTS = (13, 12, 15, 16, 18)
"""log2 of the page: 8 KiB, or what configure was told (TCMALLOC_PAGE_SIZE_SHIFT)."""
_READ_LIMIT = 8_000_000
"""Descriptors that are read, each span's twice or more."""
_LEAF_LIMIT = 1024
_SAMPLE = 64
_PROOFS = 3
_TRIALS = 64


def _leaf_bits(shift: int) -> int:
    return (_ADDRESS_BITS - shift + 1) // 2


LEAST_LEAF = 8 << _leaf_bits(max(_SHIFTS))
"""Bytes of the smallest table of the second level."""
LEAST_ROOT = 8 << _ADDRESS_BITS - max(_SHIFTS) - _leaf_bits(max(_SHIFTS))


class PageMap(msgspec.Struct, frozen=True):
    """A page map that was found."""

    root: int
    """Address of the root table."""
    shift: int
    """log2 of tcmalloc's page."""

    def spans(self, memory: Memory) -> list[Span]:
        """All spans, ascending and disjoint."""
        found: list[Span] = []
        read = 0
        leaf_bits = _leaf_bits(self.shift)
        root_size = 8 << _ADDRESS_BITS - self.shift - leaf_bits
        entries = table_words(memory, self.root, root_size)
        for index, leaf in disjoint_tables(entries, 8 << leaf_bits, _LEAF_LIMIT):
            last = 0
            for page, descriptor in table_words(memory, leaf, 8 << leaf_bits):
                if descriptor == last:
                    continue
                last = descriptor
                read += 1
                if read > _READ_LIMIT:
                    return found
                span = read_span(memory, descriptor, self.shift)
                address = (index << leaf_bits) + page << self.shift
                # The last page of a span, too, has an entry.
                if span is None or span.start != address:
                    continue
                if not found or address >= found[-1].end:
                    found.append(span)
        return found


def find_page_map(
    memory: Memory, data: Sequence[AddressSpan], targets: Sequence[AddressSpan]
) -> PageMap | None:
    """Look for a map whose root is in ``data``, and its leaves in ``targets``.

    Both are spans of addresses, ascending; there are at most ``SPAN_LIMIT`` targets.
    """
    return find_rooted(memory, data, targets, _may_be_leaf, _map_by)


def _map_by(memory: Memory, address: int, leaf: int) -> PageMap | None:
    """The map whose root has ``leaf`` at ``address``, if it is one."""
    for shift in _SHIFTS:
        index = _prove(memory, leaf, shift)
        if index is not None:
            return PageMap(address - 8 * index, shift)
    return None


def _may_be_leaf(memory: Memory, leaf: int) -> bool:
    """Whether what begins there is zero, or pointers."""
    if leaf % 8:
        return False
    words = array("Q", memory.read_some(leaf, _SAMPLE).ljust(_SAMPLE, b"\1"))
    return all(not word or memory.find_mapping(word) is not None for word in words)


def _prove(memory: Memory, leaf: int, shift: int) -> int | None:
    """Index of the leaf in the root, by its spans; None if one is not where it should
    be."""
    leaf_bits = _leaf_bits(shift)
    proofs: list[int] = []
    for trial, (index, descriptor) in enumerate(
        table_words(memory, leaf, 8 << leaf_bits)
    ):
        if trial == _TRIALS or len(proofs) == _PROOFS:
            break
        span = read_span(memory, descriptor, shift)
        if span is None:
            return None
        first, last = span.start >> shift, (span.end >> shift) - 1
        if first & (1 << leaf_bits) - 1 == index:
            proofs.append(first >> leaf_bits)
        elif last & (1 << leaf_bits) - 1 != index and not span.size_class:
            return None
    return proofs[0] if len(set(proofs)) == 1 else None
