"""Finds chunks that have a mapping of their own.

malloc maps a large block by itself. Nothing lists these; but where the mapping begins,
the header says how far the chunk lies behind its start (0, unless it was to be aligned)
and a size that fills whole pages together with that (``mmap_chunk`` in
``malloc/malloc.c``; since 2.43 a header less, and the lowest bit of the distance says
that the pages are huge).
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.heap.glibc.layout import FLAGS, IS_MAPPED
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["MappedChunk", "find_mapped"]

_PAGE = 4096
_PAGE_LIMIT = 1 << 20
"""Pages that are looked at; those within a chunk are not."""


class MappedChunk(msgspec.Struct, frozen=True):
    """A chunk with a mapping of its own."""

    address: int
    start: int
    """Of its mapping."""
    end: int

    @property
    def bytes(self) -> int:
        """Of its mapping."""
        return self.end - self.start


def find_mapped(
    words: Words, taken: Sequence[tuple[int, int]], wanted_bytes: int
) -> list[MappedChunk]:
    """All of them, ascending.

    Nothing is looked for in ``taken``, the memory of arenas, and after ``wanted_bytes``
    were found, which malloc says that there are.
    """
    found: list[MappedChunk] = []
    search = _Search(words)
    for start, end in _anonymous(words, sorted(taken)):
        for address, view in words.memory.stored_views(start, end):
            if wanted_bytes > 0:
                added = search.run(view, address, end)
                wanted_bytes -= sum(chunk.bytes for chunk in added)
                found += added
    return found


class _Search:
    """Looks at the pages of mappings, one by one."""

    def __init__(self, words: Words) -> None:
        layout = words.layout
        self._header = struct.Struct(
            (">" if layout.big_endian else "<") + ("QQ" if layout.word == 8 else "II")
        )
        self._size = layout.header
        self._left = _PAGE_LIMIT
        # An aligned block begins at a power of two; without that demand at the first
        # place that suits every block.
        self._places = [layout.first_chunk(0)]
        aligned = 2 * layout.alignment
        while aligned <= _PAGE:
            self._places.append(aligned - layout.header)
            aligned *= 2

    def run(self, data: memoryview, address: int, end: int) -> list[MappedChunk]:
        """The chunks in ``data``, which lies at ``address``, and before ``end``."""
        found: list[MappedChunk] = []
        at = low = address
        while at + _PAGE <= address + len(data) and self._left:
            self._left -= 1
            chunk = self._at(data, address, at, low, end)
            if chunk is not None:
                found.append(chunk)
                low = chunk.end
            at = at + _PAGE if chunk is None else chunk.end
        return found

    def _at(
        self, data: memoryview, address: int, page: int, low: int, end: int
    ) -> MappedChunk | None:
        """The chunk whose header is in a page; its mapping begins from ``low`` on."""
        for place in self._places:
            distance, size = self._header.unpack_from(data, page - address + place)
            if size & FLAGS != IS_MAPPED:
                continue
            start = page + place - (distance & ~1)
            if start % _PAGE or not low <= start <= page:
                continue
            total = page + place - start + (size & ~FLAGS)
            total += self._size if total % _PAGE else 0
            if total and total % _PAGE == 0 and total <= end - start:
                return MappedChunk(page + place, start, start + total)
        return None


def _anonymous(
    words: Words, taken: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Writable memory of no file, without what is taken."""
    for mapping in words.memory.mappings:
        if mapping.path is None and "w" in mapping.permissions and mapping.stored:
            start = mapping.start
            index = bisect_left(taken, (start, 0))
            for at in range(max(0, index - 1), len(taken)):
                low, high = taken[at]
                if low >= mapping.end:
                    break
                if start < high:
                    if start < low:
                        yield start, low
                    start = -(-high // _PAGE) * _PAGE
            if start < mapping.end:
                yield start, mapping.end
