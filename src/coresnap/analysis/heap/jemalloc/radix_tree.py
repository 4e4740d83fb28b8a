"""jemalloc's radix tree: which extent a page belongs to.

Its root is a table in the data of the module that jemalloc is linked into, 256 KiB to
2 MiB that are nearly all zero. A stripped library does not say where
(``extents_rtree``, ``arena_emap_global``), but a tree proves itself: what is found at
the place of a page is the descriptor of an extent that begins with that page.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from coresnap.analysis.heap.jemalloc.extents import (
    ACTIVE,
    Extent,
    is_described,
    read_extent,
)
from coresnap.analysis.heap.jemalloc.layouts import (
    FIELDS,
    GEOMETRIES,
    Fields,
    Geometry,
)
from coresnap.analysis.heap.root_search import find_rooted
from coresnap.analysis.heap.tables import disjoint_tables, table_words
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import AddressSpan

__all__ = ["RadixTree", "Walk", "find_tree"]

_ADDRESS_BITS = 48
"""Of an entry in one word; the size class stands above, flags below."""
_FLAG_BITS = 6
"""Below the address of a descriptor: they are aligned to 64 bytes or more."""
_DESCRIPTOR = (1 << _ADDRESS_BITS) - (1 << _FLAG_BITS)
_READ_LIMIT = 8_000_000
"""Descriptors that are read, each extent's twice."""
_TABLE_LIMIT = 1024
"""Tables of one level that are read; of 48-bit addresses one covers 1 GiB."""
_SAMPLE = 8
"""Entries by which a table is told from other data at a glance."""
_PROOFS = 3
"""Entries that prove a tree; a heap with fewer extents has no more."""
_TRIALS = 64
"""Entries that are looked at for proofs."""


class _Entry(msgspec.Struct, frozen=True):
    """An entry of the last level."""

    descriptor: int
    size_class: int
    is_slab: bool


class Walk(msgspec.Struct):
    """What a tree holds."""

    extents: list[Extent] = msgspec.field(default_factory=list)
    """Ascending and disjoint."""
    broken: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """Descriptors that don't describe the page that the tree has them for; with it."""
    read: int = 0
    """How many descriptors were looked at."""
    is_cut: bool = False
    """There is more than anyone reads."""

    @property
    def end(self) -> int:
        """First address behind the last extent."""
        return self.extents[-1].end if self.extents else 0


class RadixTree(msgspec.Struct, frozen=True):
    """A tree that was found, and how it is read."""

    root: int
    """Address of the root table."""
    geometry: Geometry
    fields: Fields

    def walk(self, memory: Memory) -> Walk:
        """All extents, by ascending address."""
        found = Walk()
        shift = self.geometry.page + sum(self.geometry.levels)
        level = [(0, self.root)]
        levels = self.geometry.levels
        for depth, bits in enumerate(levels[:-1], 1):
            shift -= bits
            is_last = depth == len(levels) - 1
            size = self.geometry.leaf_size if is_last else 8 << levels[depth]
            entries = (
                (first + (index << shift), pointer)
                for first, table in level
                for index, pointer in table_words(memory, table, 8 << bits)
            )
            level = disjoint_tables(entries, size, _TABLE_LIMIT)
            found.is_cut |= len(level) == _TABLE_LIMIT
        for first, table in level:
            self._walk_table(memory, first, table, found)
        return found

    def _walk_table(self, memory: Memory, first: int, table: int, found: Walk) -> None:
        geometry = self.geometry
        last = 0
        for index, descriptor in _descriptors(memory, table, geometry):
            if descriptor == last:
                continue
            last = descriptor
            if found.read == _READ_LIMIT:
                found.is_cut = True
                return
            found.read += 1
            page = first + (index << geometry.page)
            extent = read_extent(memory, descriptor, self.fields, geometry)
            if not is_described(memory, descriptor, page):
                found.broken.append((descriptor, page))
            # The last page of an extent, too, has an entry.
            elif extent and extent.start == page and page >= found.end:
                found.extents.append(extent)


def find_tree(
    memory: Memory, data: Sequence[AddressSpan], targets: Sequence[AddressSpan]
) -> RadixTree | None:
    """Look for a tree whose root is in ``data``, and its tables in ``targets``.

    Both are spans of addresses, ascending; there are at most ``SPAN_LIMIT`` targets.
    """
    return find_rooted(memory, data, targets, _may_be_table, _tree_by)


def _tree_by(memory: Memory, address: int, pointer: int) -> RadixTree | None:
    """The tree whose root has ``pointer`` at ``address``, if it is one."""
    for geometry in GEOMETRIES:
        table = _last_table(memory, pointer, geometry)
        if table is None:
            continue
        first = tuple(islice(_descriptors(memory, table, geometry), _TRIALS))
        for fields in FIELDS if first else ():
            prefix = _prove(memory, table, first, geometry, fields)
            if prefix is not None:
                index = prefix >> sum(geometry.levels[1:-1])
                return RadixTree(address - 8 * index, geometry, fields)
    return None


def _may_be_table(memory: Memory, pointer: int) -> bool:
    """Whether what begins at ``pointer`` is zero, or like entries of any kind."""
    if pointer & (1 << _FLAG_BITS) - 1:
        return False
    data = memory.read_some(pointer, 16 * _SAMPLE)
    for word, _ in struct.iter_unpack("<QQ", data):
        target = word & _DESCRIPTOR
        if target and memory.find_mapping(target) is None:
            return False
    return len(data) == 16 * _SAMPLE


def _last_table(memory: Memory, table: int, geometry: Geometry) -> int | None:
    """The first table of the last level below one of the second level."""
    for bits in geometry.levels[1:-1]:
        entry = next(table_words(memory, table, 8 << bits), None)
        if entry is None:
            return None
        table = entry[1]
    return table


def _prove(
    memory: Memory,
    table: int,
    descriptors: Sequence[tuple[int, int]],
    geometry: Geometry,
    fields: Fields,
) -> int | None:
    """The bits of an address above those that ``table`` decides, by its extents, of
    which ``descriptors`` are the first.

    None if an extent is not where it should be, or its size class is another than the
    tree's copy of it.
    """
    proofs: list[int] = []
    for index, descriptor in descriptors:
        if len(proofs) == _PROOFS:
            break
        extent = read_extent(memory, descriptor, fields, geometry)
        if extent is None:
            return None
        page = extent.start >> geometry.page
        at_home = page & (1 << geometry.levels[-1]) - 1 == index
        # 5.3 corrects the tree's copy only when an extent is handed out again.
        if not at_home or extent.state != ACTIVE:
            continue
        entry = _entry(memory, table + index * geometry.element, geometry, fields)
        if (extent.size_class, extent.is_slab) != (entry.size_class, entry.is_slab):
            return None
        proofs.append(page >> geometry.levels[-1])
    return proofs[0] if len(set(proofs)) == 1 else None


def _entry(memory: Memory, address: int, geometry: Geometry, fields: Fields) -> _Entry:
    word = memory.read_word(address)
    if geometry.element == 8:
        return _Entry(word & _DESCRIPTOR, word >> _ADDRESS_BITS, bool(word & 1))
    facts = memory.read_word(address + 8)
    if fields.has_states:
        return _Entry(word, (facts & 0xFFFFFFFF) >> 5, bool(facts & 1))
    return _Entry(word, facts & 0xFFFFFFFF, bool(facts >> 32 & 1))


def _descriptors(
    memory: Memory, table: int, geometry: Geometry
) -> Iterator[tuple[int, int]]:
    """Index of a page in ``table``, and its descriptor's address; none that is 0."""
    if geometry.element == 8:
        for index, word in table_words(memory, table, geometry.leaf_size):
            if word & _DESCRIPTOR:
                yield index, word & _DESCRIPTOR
    else:
        for index, word in table_words(memory, table, geometry.leaf_size):
            if not index & 1:
                yield index >> 1, word
