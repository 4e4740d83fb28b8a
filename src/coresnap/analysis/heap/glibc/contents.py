"""What a process's malloc has: read when it is first asked for."""

from __future__ import annotations

import functools
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from coresnap.analysis.heap.glibc.arenas import Arena, MainArena, read_arenas
from coresnap.analysis.heap.glibc.bins import bin_chunks
from coresnap.analysis.heap.glibc.caches import Caches, read_caches
from coresnap.analysis.heap.glibc.chunk_list import ListReader, sort_blocks
from coresnap.analysis.heap.glibc.chunk_walk import FIND_BUDGET
from coresnap.analysis.heap.glibc.library import Library
from coresnap.analysis.heap.glibc.mapped import MappedChunk, find_mapped
from coresnap.analysis.heap.glibc.orphan import Orphan
from coresnap.analysis.heap.glibc.parameters import Parameters, find_parameters
from coresnap.analysis.heap.glibc.places import (
    find_regions,
    first_chunks,
    orphan_regions,
)
from coresnap.analysis.heap.glibc.region_walk import walk_region
from coresnap.analysis.heap.glibc.regions import Region, Walked
from coresnap.analysis.heap.glibc.tcache import Tcache, find_tcaches, stray_tcaches
from coresnap.analysis.heap.glibc.words import Words
from coresnap.elfcore.corefile import CoreFile

__all__ = ["BIN_LIMIT", "Contents"]

BIN_LIMIT = 1 << 20
"""Chunks of one bin that are named."""
_SEARCHED_LIMIT = 256
"""Pieces of memory in which the caches of threads that are gone are looked for."""
_NEAR = 1 << 14
_ANY = 1 << 62
_CACHED_MOST = 1056
"""Largest chunk in a tcache where nobody asked for more."""


class Contents:
    """Arenas, their memory, caches; walks through the memory, each made once."""

    def __init__(
        self,
        core: CoreFile,
        library: Library,
        main: MainArena | Orphan,
        words: Words,
        version: tuple[int, int] | None,
    ) -> None:
        self.core, self.library, self.main = core, library, main
        self.words, self.layout, self.version = words, words.layout, version
        self._walked: dict[int, Walked] = {}
        self._budget = FIND_BUDGET

    @functools.cached_property
    def arenas(self) -> list[Arena]:
        """The main one first."""
        if isinstance(self.main, Orphan):
            return [self.main.arena]
        return read_arenas(self.words, self.main)

    @functools.cached_property
    def parameters(self) -> Parameters | None:
        """None if they were not found."""
        data = self.library.data
        if isinstance(self.main, MainArena):
            # They are of one source file, and so of one neighbourhood.
            low, high = self.main.bins - _NEAR, self.main.bins + _NEAR
            near = tuple((max(low, a), min(high, b)) for a, b in data if a < high)
            found = find_parameters(self.words, near)
            if found is not None and found.heap_start:
                return found
        return find_parameters(self.words, data)

    @functools.cached_property
    def regions(self) -> list[Region]:
        """The memory of all arenas, ascending."""
        if isinstance(self.main, Orphan):
            return list(orphan_regions(self.words, self.main))
        known = self.parameters
        start = 0 if known is None else known.heap_start
        return find_regions(self.words, self.arenas, self.main, start)

    @functools.cached_property
    def tcaches(self) -> list[Tcache]:
        """That of the crashed thread first."""
        return self._threads_caches[0]

    @functools.cached_property
    def _threads_caches(self) -> tuple[list[Tcache], bool]:
        words, regions = self.words, self.regions
        found, lost = find_tcaches(self.core, self.library.module, words)
        threads = self.core.threads
        only = threads[0].tid if len(threads) == 1 else None
        for region in regions[:_SEARCHED_LIMIT]:
            if not any(region.address <= one.block < region.end for one in found):
                found += stray_tcaches(words, first_chunks(words, region), only)
        lost &= len(found) < len(threads)
        crashed = self.core.threads[0].tid if self.core.threads else None
        return sorted(found, key=lambda cache: cache.tid != crashed), lost

    @functools.cached_property
    def caches(self) -> Caches:
        """The lists of tcaches and fastbins."""
        known = self.parameters
        return read_caches(
            self.words,
            self.tcaches,
            self.arenas,
            mangled=None if self.version is None else self.version >= (2, 32),
            capacity=None if known is None else known.cache_capacity,
            unread=tuple(self._unread()),
        )

    def _unread(self) -> Iterator[tuple[int, int]]:
        """Sizes of chunks that may wait in lists that are not in the core."""
        if isinstance(self.main, Orphan):
            yield 0, self.layout.fastbin_size(self.layout.fastbin_count - 1)
        if self._threads_caches[1]:
            yield 0, _CACHED_MOST

    @functools.cached_property
    def mapped(self) -> list[MappedChunk]:
        """Chunks with a mapping of their own, ascending."""
        known = self.parameters
        taken = [(region.address, region.end) for region in self.regions]
        wanted = _ANY if known is None else known.mapped_bytes
        return find_mapped(self.words, taken, wanted)

    @functools.cached_property
    def unsorted(self) -> dict[int, array[int]]:
        """The chunks of each arena's unsorted bin, the one freed last first."""
        reader = ListReader(self.words.memory, self.layout)
        return {
            arena.address: bin_chunks(self.words, reader, arena, 1, BIN_LIMIT)
            for arena in self.arenas
        }

    @functools.cached_property
    def in_unsorted(self) -> dict[int, array[int]]:
        """The same, ascending."""
        found = {arena: chunks[:] for arena, chunks in self.unsorted.items()}
        for chunks in found.values():
            sort_blocks(chunks)
        return found

    def walk(self, region: Region) -> Walked:
        """What the walk through a region found; it is made once."""
        walked = self._walked.get(region.start)
        if walked is None:
            cached = self.caches.blocks
            walked = walk_region(self.words, region, cached, self._budget)
            self._budget = walked.budget
            self._walked[region.start] = walked
        return walked

    def region_at(self, address: int) -> Region | None:
        """The region that holds an address."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.regions[index].end:
            return self.regions[index]
        return None

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [region.address for region in self.regions]
