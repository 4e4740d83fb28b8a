"""From chunks to blocks: whose they are, and in which list they wait."""

from __future__ import annotations

from bisect import bisect_left

from coresnap.analysis.heap.glibc.contents import Contents
from coresnap.analysis.heap.glibc.mapped import MappedChunk
from coresnap.analysis.heap.glibc.regions import Chunk, Region, is_used
from coresnap.model import Block

__all__ = ["ALLOCATOR", "PREVIEW", "Blocks"]

ALLOCATOR = "glibc"
PREVIEW = 64
"""Bytes of a block that are shown."""


class Blocks:
    """Makes blocks of chunks."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._words, self._layout = contents.words, contents.layout

    def below(self, region: Region, chunk: Chunk | None) -> Block | None:
        """The block below a chunk."""
        if chunk is None or chunk.address <= region.start:
            return None
        if chunk.before:
            start, size = chunk.address - chunk.before, chunk.before
            in_use = is_used(self._words, start, size)
            below: Chunk | None = Chunk(start, size, in_use)
        else:
            at = chunk.address + self._layout.word - 1
            below = self._contents.walk(region).find(self._words, at)
        return None if below is None else self.chunk(region, below)

    def chunk(self, region: Region, chunk: Chunk) -> Block:
        """The block of a chunk, and in which list it waits if it is free."""
        layout, block = self._layout, chunk.address + self._layout.header
        if not chunk.known:
            return self.block(region, chunk.address, chunk.size, "unknown", None)
        if any(cache.block == block for cache in self._contents.tcaches):
            return self.block(region, chunk.address, chunk.size, "metadata", None)
        waiting = self._contents.caches.name(block, f"fastbin {chunk.size}")
        if waiting is None and not chunk.in_use:
            waiting = layout.bin_name(layout.bin_of(chunk.size))
            chunks = self._contents.in_unsorted[region.arena.address]
            index = bisect_left(chunks, chunk.address)
            if index < len(chunks) and chunks[index] == chunk.address:
                waiting = layout.bin_name(1)
        state = "live" if waiting is None else "free"
        if waiting is None and self._contents.caches.may_wait(chunk.size):
            state = "unknown"
        return self.block(region, chunk.address, chunk.size, state, waiting)

    def block(
        self, region: Region, chunk: int, size: int, state: str, waiting: str | None
    ) -> Block:
        """The block of a chunk of ``size`` bytes that waits in a list, or in none."""
        start, usable = chunk + self._layout.header, self._layout.usable(size)
        return Block(
            start,
            usable,
            state,
            ALLOCATOR,
            free_list=waiting,
            arena=region.arena.name,
            preview=self._words.memory.read_some(start, min(usable, PREVIEW)),
        )

    def mapped_block(self, chunk: MappedChunk) -> Block:
        """The block of a chunk with a mapping of its own."""
        start = chunk.address + self._layout.header
        size = self._words.chunk_size(chunk.address) or 0
        # Since 2.43 a size is that of any other chunk, before it filled the pages.
        fills = chunk.address + size == chunk.end
        usable = size - (self._layout.header if fills else self._layout.word)
        preview = self._words.memory.read_some(start, PREVIEW)
        return Block(start, usable, "live", ALLOCATOR, arena="mapped", preview=preview)

    def freed_block(self, block: int, waiting: str) -> Block | None:
        """A block of a list; None if no chunk of an arena is there."""
        chunk = block - self._layout.header
        size, region = self._words.chunk_size(chunk), self._contents.region_at(chunk)
        if size is None or size < self._layout.minimum or region is None:
            return None
        return self.block(region, chunk, size, "free", waiting)
