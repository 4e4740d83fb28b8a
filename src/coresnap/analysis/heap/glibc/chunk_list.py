"""Follows lists of free chunks: in C where it could be compiled, else here.

``ListReader`` is the one of the two that was chosen at import; both find the same.
"""

from __future__ import annotations

from array import array
from typing import Any, TypeAlias

import msgspec

from coresnap.analysis.heap.glibc.layout import FLAGS, ChunkLayout
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError

try:
    from coresnap._native import ffi, lib
except ImportError:  # no compiler was there: the twin below serves
    lib = None  # type: ignore[assignment]

__all__ = [
    "END",
    "LIMIT",
    "LOOP",
    "MISALIGNED",
    "SIZE",
    "UNLINKED",
    "UNREADABLE",
    "ChunkList",
    "ListKind",
    "ListReader",
    "NativeListReader",
    "PythonListReader",
    "sort_blocks",
]

END, UNREADABLE, MISALIGNED, SIZE, LOOP, UNLINKED, LIMIT = range(7)
"""How a list ends: ``enum chunk_list_status`` of ``native/library/chunk_list.h``."""
_PAGE_SHIFT = 12
_ADDRESSES = (1 << 64) - 1
_ListInC: TypeAlias = Any


class ChunkList(msgspec.Struct, frozen=True, eq=False):
    """The entries of a list, in its order."""

    entries: array[int]
    """Blocks of a single list, chunks of a bin."""
    links: array[int]
    """The words stored as links in the blocks; empty for a bin."""
    status: int
    at: int
    """The block or chunk that ``status`` speaks of."""
    before: int = 0
    """The chunk that led to it, of a bin."""


class ListKind(msgspec.Struct, frozen=True):
    """How a single list is linked, and what may be in it."""

    sizes: tuple[int, int]
    """The least and the most that a chunk of it has."""
    mangled: bool
    """Links are safe-linked."""
    bias: int = 0
    """From where a link leads to the block."""


class PythonListReader:
    """Reads lists in what the core stores of the process's memory."""

    def __init__(self, memory: Memory, layout: ChunkLayout) -> None:
        self._memory, self._layout = memory, layout

    def follow(self, first: int, kind: ListKind, *, capacity: int) -> ChunkList:
        """Follow links from block to block; ``first`` is one, or 0.

        Of the entries no more than ``capacity`` are read.
        """
        entries, links = array("Q"), array("Q")
        block, passed, next_passed, status = first & _ADDRESSES, 0, 1, END
        while block and status == END:
            link, size = self._word(block), self._word(block - self._layout.word)
            if block == passed:
                status = LOOP
            elif block % self._layout.alignment:
                status = MISALIGNED
            elif link is None or size is None:
                status = UNREADABLE
            elif not kind.sizes[0] <= size & ~FLAGS <= kind.sizes[1]:
                status = SIZE
            elif len(entries) == capacity:
                status = LIMIT
            else:
                entries.append(block)
                links.append(link)
                # Brent: what is remembered moves on at every power of two.
                if len(entries) == next_passed:
                    passed, next_passed = block, 2 * next_passed
                block = link ^ (block >> _PAGE_SHIFT) if kind.mangled else link
                block = (block + kind.bias) & _ADDRESSES if block else 0
        return ChunkList(entries, links, status, block)

    def circle(
        self, head: int, *, sizes: tuple[int, int], capacity: int, limit: int
    ) -> ChunkList:
        """Follow a bin from the chunk ``head`` back to it, and check the links back.

        Of the entries ``capacity`` are kept, and no more than ``limit`` are passed.
        """
        entries: array[int] = array("Q")
        head &= _ADDRESSES
        before, passed = head, 0
        while True:
            status, at = self._next(before, head)
            size = self._word(at + self._layout.word)
            if status == END and at != head:
                if passed == limit:
                    status = LIMIT
                elif size is None or not sizes[0] <= size & ~FLAGS <= sizes[1]:
                    status = SIZE
            if status != END or at == head:
                return ChunkList(entries, array("Q"), status, at, before)
            if len(entries) < capacity:
                entries.append(at)
            before, passed = at, passed + 1

    def _next(self, chunk: int, head: int) -> tuple[int, int]:
        """How the link of a chunk in a bin is, and what it speaks of."""
        word = self._layout.word
        behind = self._word(chunk + 2 * word)
        if behind is None:
            return UNREADABLE, chunk
        block = behind + self._layout.header
        # A bin need not be aligned as chunks are.
        if behind != head and block % self._layout.alignment:
            return MISALIGNED, chunk
        back = self._word(behind + 3 * word)
        if back is None:
            return UNREADABLE, chunk
        return (END if back == chunk else UNLINKED), behind

    def _word(self, address: int) -> int | None:
        try:
            return self._memory.read_word(address)
        except MemoryReadError:
            return None


class NativeListReader:
    """``PythonListReader`` in C."""

    def __init__(self, memory: Memory, layout: ChunkLayout) -> None:
        views = list(memory.stored_views(0, 1 << 8 * layout.word))
        self._held = [ffi.from_buffer(view) for _, view in views]
        self._pieces = ffi.new("struct chunk_piece[]", len(views))
        for piece, (start, view), data in zip(
            self._pieces, views, self._held, strict=True
        ):
            piece.start, piece.end = start, start + len(view)
            piece.data = ffi.cast("const uint8_t *", data)
        self._layout = layout

    def follow(self, first: int, kind: ListKind, *, capacity: int) -> ChunkList:
        """What the twin finds."""
        # Most lists are short: room is made as it turns out to be needed.
        room = 0
        while True:
            room = min(capacity, 32 * room or 64)
            entries, links = array("Q", bytes(8 * room)), array("Q", bytes(8 * room))
            source, target = self._list(kind.sizes, entries), ffi.from_buffer(links)
            source.mangled, source.bias = kind.mangled, kind.bias
            source.links = ffi.cast("uint64_t *", target)
            status = lib.chunk_list_follow(source, first & _ADDRESSES)
            if status != LIMIT or room == capacity:
                break
        count = source.count
        return ChunkList(entries[:count], links[:count], status, source.at)

    def circle(
        self, head: int, *, sizes: tuple[int, int], capacity: int, limit: int
    ) -> ChunkList:
        """What the twin finds."""
        room = 0
        while True:
            room = min(capacity, 32 * room or 64)
            entries = array("Q", bytes(8 * room))
            source = self._list(sizes, entries)
            status = lib.chunk_list_circle(source, head & _ADDRESSES, limit)
            if source.count < room or room == capacity:
                break
        kept = entries[: source.count]
        return ChunkList(kept, array("Q"), status, source.at, source.before)

    def _list(self, sizes: tuple[int, int], entries: array[int]) -> _ListInC:
        found: Any = ffi.new("struct chunk_list *")
        found.pieces, found.piece_count = self._pieces, len(self._held)
        found.narrow = self._layout.word == 4
        found.big_endian = self._layout.big_endian
        found.alignment = self._layout.alignment
        found.least, found.most = sizes
        self._target = ffi.from_buffer(entries)
        found.entries = ffi.cast("uint64_t *", self._target)
        found.capacity = len(entries)
        return found


def sort_blocks(blocks: array[int]) -> None:
    """Sort in place, ascending."""
    if lib is None:
        blocks[:] = array("Q", sorted(blocks))
    elif blocks:
        lib.chunk_list_sort(
            ffi.cast("uint64_t *", ffi.from_buffer(blocks)), len(blocks)
        )


ListReader: Any = PythonListReader if lib is None else NativeListReader
