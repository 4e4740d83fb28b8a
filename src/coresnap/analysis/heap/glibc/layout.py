"""How glibc lays out its data, by machine and version.

From ``malloc/malloc.c`` and ``malloc/arena.c`` of the tags 2.26 to 2.44. A *chunk* is a
header of two words and the block that malloc hands out; the first word (``prev_size``)
still belongs to the block below as long as that one is in use, the second is the size
with three flags.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.elfcore.registers import Architecture

__all__ = [
    "BIN_COUNT",
    "FLAGS",
    "IS_MAPPED",
    "NON_MAIN",
    "PREVIOUS_IN_USE",
    "ChunkLayout",
    "TcacheLayout",
    "layout_of",
    "tcache_layouts",
]

PREVIOUS_IN_USE, IS_MAPPED, NON_MAIN = 1, 2, 4
FLAGS = 7
BIN_COUNT = 127
"""The unsorted bin, 62 small ones, 64 large ones."""
_ALIGNED_TO_16 = frozenset({"i386", "x32"})
"""Machines of 4-byte words whose MALLOC_ALIGNMENT is 16 all the same."""


class ChunkLayout(msgspec.Struct, frozen=True, eq=False):
    """Sizes in bytes of everything that depends on the machine alone."""

    word: int
    """SIZE_SZ."""
    big_endian: bool
    alignment: int
    """MALLOC_ALIGNMENT, of blocks and of chunks' sizes."""

    @property
    def header(self) -> int:
        """From a chunk to its block."""
        return 2 * self.word

    @property
    def minimum(self) -> int:
        """Smallest chunk."""
        return self.align(4 * self.word)

    @property
    def heap_limits(self) -> tuple[int, ...]:
        """HEAP_MAX_SIZE, to which heaps are aligned; with huge pages in 2.35 to 2.42
        it is four of those."""
        return (64 << 20, 8 << 20, 4 << 30) if self.word == 8 else (1 << 20, 8 << 20)

    @property
    def fastbin_count(self) -> int:
        """NFASTBINS."""
        largest = self.align(80 * self.word // 4 + self.word)
        return (largest >> (4 if self.word == 8 else 3)) - 1

    def align(self, size: int) -> int:
        """The next multiple of the alignment."""
        return size + self.alignment - 1 & -self.alignment

    def first_chunk(self, address: int) -> int:
        """The first place of a chunk from ``address`` on."""
        return self.align(address + self.header) - self.header

    def is_block(self, address: int) -> bool:
        """Whether malloc can return it."""
        return address != 0 and address % self.alignment == 0

    def usable(self, size: int) -> int:
        """Of a chunk of ``size`` bytes in a heap, what its owner may write."""
        return size - self.word

    def fastbin_size(self, index: int) -> int:
        """Of the chunks in a fastbin."""
        return (index + 2) << (4 if self.word == 8 else 3)

    def bin_name(self, index: int) -> str:
        """What glibc calls a bin; 1 is the unsorted one."""
        if index == 1:
            return "unsorted bin"
        correction = self.alignment > 2 * self.word
        if index < 64:
            return f"small bin {(index - correction) * self.alignment:#x}"
        return f"large bin {index}"

    def bin_of(self, size: int) -> int:
        """Index of the bin of chunks of that size: ``bin_index``."""
        correction = self.alignment > 2 * self.word
        if size < (64 - correction) * self.alignment:
            return size // self.alignment + correction
        for shift, most, first in self._large_bins:
            if size >> shift <= most:
                return first + (size >> shift)
        return 126

    @property
    def _large_bins(self) -> Sequence[tuple[int, int, int]]:
        """(shift, largest quotient, index of quotient 0): ``largebin_index``."""
        rest = ((9, 20, 91), (12, 10, 110), (15, 4, 119), (18, 2, 124))
        if self.word == 8:
            return ((6, 48, 48), *rest)
        if self.alignment > 2 * self.word:
            return ((6, 45, 49), *rest)
        return ((6, 38, 56), *rest)


class TcacheLayout(msgspec.Struct, frozen=True, eq=False):
    """``tcache_perthread_struct``: counters, then heads of lists."""

    versions: str
    counter: int
    """Bytes of a counter."""
    lists: int
    counts_down: bool = False
    """The counters say how many more fit."""
    small_lists: int = 64
    """Lists of one size each; the others are of a power of two."""

    def heads(self) -> int:
        """Offset of the first head."""
        return self.counter * self.lists

    def chunk_size(self, layout: ChunkLayout) -> int:
        """Of the chunk that it is in."""
        return layout.align(self.heads() + self.lists * layout.word + layout.word)


_TCACHES = (
    TcacheLayout("2.30–2.41", 2, 64),
    TcacheLayout("2.26–2.29", 1, 64),
    TcacheLayout("2.42 or later", 2, 76, counts_down=True),
)


def tcache_layouts(layout: ChunkLayout) -> dict[int, TcacheLayout]:
    """By the size of the chunk that it is in.

    malloc gives a chunk that is one step larger where too little would remain of it;
    since 2.42 a step has been added to the size before that, but not always.
    """
    return {
        tcache.chunk_size(layout) + steps * layout.alignment: tcache
        for tcache in _TCACHES
        for steps in range(3 if tcache.counts_down else 2)
    }


def layout_of(architecture: Architecture) -> ChunkLayout:
    """The layout on a machine."""
    word = architecture.pointer_size
    wide = word == 8 or architecture.name in _ALIGNED_TO_16
    return ChunkLayout(word, architecture.byte_order == "big", 16 if wide else 8)
