"""The heap of glibc's malloc: what is at an address, what is free, what broke."""

from __future__ import annotations

import functools
import itertools
from bisect import bisect_right
from collections.abc import Iterator

from coresnap.analysis.heap.glibc.arenas import MainArena
from coresnap.analysis.heap.glibc.bins import bin_chunks
from coresnap.analysis.heap.glibc.blocks import ALLOCATOR, Blocks
from coresnap.analysis.heap.glibc.caches import FreeList
from coresnap.analysis.heap.glibc.chunk_list import ListReader
from coresnap.analysis.heap.glibc.contents import BIN_LIMIT, Contents
from coresnap.analysis.heap.glibc.layout import BIN_COUNT
from coresnap.analysis.heap.glibc.library import Library
from coresnap.analysis.heap.glibc.orphan import Orphan
from coresnap.analysis.heap.glibc.regions import Chunk, Region
from coresnap.analysis.heap.glibc.report import Report
from coresnap.analysis.heap.glibc.words import Words
from coresnap.analysis.heap.heaps import Placement
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Allocator, Block

__all__ = ["GlibcHeap"]


class GlibcHeap:
    """glibc's heap in a core. What is asked for is read when it is first asked for."""

    def __init__(
        self,
        core: CoreFile,
        library: Library,
        main: MainArena | Orphan,
        words: Words,
        *,
        found_by: str,
        version: tuple[int, int] | None,
    ) -> None:
        self._contents = Contents(core, library, main, words, version)
        self._words, self._layout = words, words.layout
        self._blocks, self._found_by = Blocks(self._contents), found_by

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is not memory of this malloc."""
        region = self._contents.region_at(address)
        if region is None:
            return self._place_mapped(address)
        word = self._layout.word
        if address < region.start + word:
            block = Block(
                region.address,
                region.start + word - region.address,
                "metadata",
                ALLOCATOR,
                arena=region.arena.name,
            )
            return Placement(block, address - block.address)
        if region.has_top and address >= region.stop + word:
            size = region.end - region.stop
            found: Chunk | None = Chunk(region.stop, size)
            block = self._blocks.block(region, region.stop, size, "top", None)
        else:
            found = self._contents.walk(region).find(self._words, address)
            if found is None:
                return self._place_unwalked(region, address)
            block = self._blocks.chunk(region, found)
        return Placement(
            block, address - block.address, self._blocks.below(region, found)
        )

    def _place_mapped(self, address: int) -> Placement | None:
        mapped = self._contents.mapped
        index = bisect_right([chunk.start for chunk in mapped], address) - 1
        if index < 0 or address >= mapped[index].end:
            return None
        block = self._blocks.mapped_block(mapped[index])
        return Placement(block, address - block.address)

    def _place_unwalked(self, region: Region, address: int) -> Placement:
        """Where the walk did not come: a free block is known from its list."""
        blocks = self._contents.caches.blocks
        index = bisect_right(blocks, address + self._layout.word) - 1
        if index >= 0:
            chunk = blocks[index] - self._layout.header
            size = self._words.chunk_size(chunk) or 0
            if address < chunk + size + self._layout.word:
                block = self._blocks.chunk(region, Chunk(chunk, size))
                return Placement(block, address - block.address)
        unknown = Block(address, 0, "unknown", ALLOCATOR, arena=region.arena.name)
        return Placement(unknown, 0)

    def freed(self) -> Iterator[Block]:
        """Free blocks, the most recent first as far as the lists tell: the first of
        each tcache's lists, the second of each, …; fastbins; bins, the unsorted first.
        """
        lists = self._contents.caches.lists
        yield from self._in_lists([one for one in lists if one.cache is not None])
        yield from self._in_lists([one for one in lists if one.cache is None])
        reader = ListReader(self._words.memory, self._layout)
        for index in range(1, BIN_COUNT):
            for arena in self._contents.arenas:
                for chunk in (
                    self._contents.unsorted[arena.address]
                    if index == 1
                    else bin_chunks(self._words, reader, arena, index, BIN_LIMIT)
                ):
                    block = self._blocks.freed_block(
                        chunk + self._layout.header, self._layout.bin_name(index)
                    )
                    if block is not None:
                        yield block

    def _in_lists(self, lists: list[FreeList]) -> Iterator[Block]:
        seen: set[int] = set()
        for blocks in itertools.zip_longest(*(one.found.entries for one in lists)):
            for one, block in zip(lists, blocks, strict=True):
                if block is not None and block not in seen:
                    if len(seen) < BIN_LIMIT:
                        seen.add(block)
                    found = self._blocks.freed_block(block, one.name)
                    if found is not None:
                        yield found

    def linked(self, value: int) -> Block | None:
        """The free block whose link is ``value``, safe-linked as it is stored."""
        if value == 0:
            return None
        for one in self._contents.caches.lists:
            try:
                index = one.found.links.index(value)
            except (ValueError, OverflowError):
                continue
            return self._blocks.freed_block(one.found.entries[index], one.name)
        return self._last_in_bin(value)

    def _last_in_bin(self, value: int) -> Block | None:
        """The last chunk of a bin, whose link is the bin itself."""
        step = 2 * self._layout.word
        for arena in self._contents.arenas:
            index, rest = divmod(value - arena.bin(self._layout, 0), step)
            if 1 <= index < BIN_COUNT and rest == 0:
                last = self._words.word(value + 3 * self._layout.word)
                if last is not None and last != value:
                    name = self._layout.bin_name(index)
                    return self._blocks.freed_block(last + self._layout.header, name)
        return None

    def report(self) -> Allocator:
        """Totals, damage, the most recently freed blocks. Walks all of it, once."""
        return self._report

    @functools.cached_property
    def _report(self) -> Allocator:
        return Report(self._contents, self._blocks, self._found_by).make(self.freed())
