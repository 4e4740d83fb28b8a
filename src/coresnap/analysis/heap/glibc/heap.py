"""The heap of glibc's malloc: what is at an address, what is free, what broke."""

from __future__ import annotations

import functools
import itertools
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from coresnap.analysis.heap.glibc.arenas import Arena, MainArena, read_arenas
from coresnap.analysis.heap.glibc.bins import bin_chunks, bin_flaws
from coresnap.analysis.heap.glibc.caches import Caches, FreeList, read_caches
from coresnap.analysis.heap.glibc.chunk_list import ListReader, sort_blocks
from coresnap.analysis.heap.glibc.chunk_walk import FIND_BUDGET
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.keys import overwritten_keys
from coresnap.analysis.heap.glibc.layout import BIN_COUNT
from coresnap.analysis.heap.glibc.library import Library
from coresnap.analysis.heap.glibc.mapped import MappedChunk, find_mapped
from coresnap.analysis.heap.glibc.orphan import Orphan
from coresnap.analysis.heap.glibc.parameters import Parameters, find_parameters
from coresnap.analysis.heap.glibc.places import (
    find_regions,
    first_chunks,
    orphan_regions,
    top_flaws,
)
from coresnap.analysis.heap.glibc.regions import (
    Chunk,
    Region,
    Walked,
    is_used,
    walk_region,
)
from coresnap.analysis.heap.glibc.running import is_running_in
from coresnap.analysis.heap.glibc.tcache import Tcache, find_tcaches, stray_tcaches
from coresnap.analysis.heap.glibc.words import Words
from coresnap.analysis.heap.heaps import Placement
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Allocator, Block, HeapDamage

__all__ = ["GlibcHeap"]

_NAME = "glibc"
_PREVIEW = 64
_PAGE = 4096
_FREED_LIMIT = 64
_DAMAGE_LIMIT = 64
_BIN_LIMIT = 1 << 20
"""Chunks of one bin that are named."""
_SEARCHED_LIMIT = 256
"""Pieces of memory in which the caches of threads that are gone are looked for."""
_NEAR = 1 << 14
_ANY = 1 << 62
_CACHED_MOST = 1056
"""Largest chunk in a tcache where nobody asked for more."""


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
        self._core, self._library, self._main = core, library, main
        self._words, self._layout = words, words.layout
        self._found_by, self._version = found_by, version
        self._walked: dict[int, Walked] = {}
        self._budget = FIND_BUDGET

    # --- what is there ------------------------------------------------------

    @functools.cached_property
    def _arenas(self) -> list[Arena]:
        if isinstance(self._main, Orphan):
            return [self._main.arena]
        return read_arenas(self._words, self._main)

    @functools.cached_property
    def _parameters(self) -> Parameters | None:
        data = self._library.data
        if isinstance(self._main, MainArena):
            # They are of one source file, and so of one neighbourhood.
            low, high = self._main.bins - _NEAR, self._main.bins + _NEAR
            near = tuple((max(low, a), min(high, b)) for a, b in data if a < high)
            found = find_parameters(self._words, near)
            if found is not None and found.heap_start:
                return found
        return find_parameters(self._words, data)

    @functools.cached_property
    def _regions(self) -> list[Region]:
        if isinstance(self._main, Orphan):
            return list(orphan_regions(self._words, self._main))
        known = self._parameters
        start = 0 if known is None else known.heap_start
        return find_regions(self._words, self._arenas, self._main, start)

    @functools.cached_property
    def _tcaches(self) -> list[Tcache]:
        return self._threads_caches[0]

    @functools.cached_property
    def _threads_caches(self) -> tuple[list[Tcache], bool]:
        words, regions = self._words, self._regions
        found, lost = find_tcaches(self._core, self._library.module, words)
        threads = self._core.threads
        only = threads[0].tid if len(threads) == 1 else None
        for region in regions[:_SEARCHED_LIMIT]:
            if not any(region.address <= one.block < region.end for one in found):
                found += stray_tcaches(words, first_chunks(words, region), only)
        lost &= len(found) < len(threads)
        crashed = self._core.threads[0].tid if self._core.threads else None
        return sorted(found, key=lambda cache: cache.tid != crashed), lost

    @functools.cached_property
    def _caches(self) -> Caches:
        known = self._parameters
        return read_caches(
            self._words,
            self._tcaches,
            self._arenas,
            mangled=None if self._version is None else self._version >= (2, 32),
            capacity=None if known is None else known.cache_capacity,
            unread=tuple(self._unread()),
        )

    def _unread(self) -> Iterator[tuple[int, int]]:
        """Sizes of chunks that may wait in lists that are not in the core."""
        if isinstance(self._main, Orphan):
            yield 0, self._layout.fastbin_size(self._layout.fastbin_count - 1)
        if self._threads_caches[1]:
            yield 0, _CACHED_MOST

    @functools.cached_property
    def _mapped(self) -> list[MappedChunk]:
        known = self._parameters
        taken = [(region.address, region.end) for region in self._regions]
        wanted = _ANY if known is None else known.mapped_bytes
        return find_mapped(self._words, taken, wanted)

    @functools.cached_property
    def _unsorted(self) -> dict[int, array[int]]:
        """The chunks of each arena's unsorted bin, the one freed last first."""
        reader = ListReader(self._words.memory, self._layout)
        return {
            arena.address: bin_chunks(self._words, reader, arena, 1, _BIN_LIMIT)
            for arena in self._arenas
        }

    @functools.cached_property
    def _in_unsorted(self) -> dict[int, array[int]]:
        """The same, ascending."""
        found = {arena: chunks[:] for arena, chunks in self._unsorted.items()}
        for chunks in found.values():
            sort_blocks(chunks)
        return found

    def _walk(self, region: Region) -> Walked:
        walked = self._walked.get(region.start)
        if walked is None:
            cached = self._caches.blocks
            walked = walk_region(self._words, region, cached, self._budget)
            self._budget = walked.budget
            self._walked[region.start] = walked
        return walked

    def _region_at(self, address: int) -> Region | None:
        starts = [region.address for region in self._regions]
        index = bisect_right(starts, address) - 1
        if index >= 0 and address < self._regions[index].end:
            return self._regions[index]
        return None

    # --- place --------------------------------------------------------------

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is not memory of this malloc."""
        region = self._region_at(address)
        if region is None:
            return self._place_mapped(address)
        word = self._layout.word
        if address < region.start + word:
            block = Block(
                region.address,
                region.start + word - region.address,
                "metadata",
                _NAME,
                arena=region.arena.name,
            )
            return Placement(block, address - block.address)
        if region.has_top and address >= region.stop + word:
            size = region.end - region.stop
            found: Chunk | None = Chunk(region.stop, size)
            block = self._block(region, region.stop, size, "top", None)
        else:
            found = self._walk(region).find(self._words, address)
            if found is None:
                return self._place_unwalked(region, address)
            block = self._chunk(region, found)
        return Placement(block, address - block.address, self._below(region, found))

    def _place_mapped(self, address: int) -> Placement | None:
        mapped = self._mapped
        index = bisect_right([chunk.start for chunk in mapped], address) - 1
        if index < 0 or address >= mapped[index].end:
            return None
        block = self._mapped_block(mapped[index])
        return Placement(block, address - block.address)

    def _place_unwalked(self, region: Region, address: int) -> Placement:
        """Where the walk did not come: a free block is known from its list."""
        blocks = self._caches.blocks
        index = bisect_right(blocks, address + self._layout.word) - 1
        if index >= 0:
            chunk = blocks[index] - self._layout.header
            size = self._words.chunk_size(chunk) or 0
            if address < chunk + size + self._layout.word:
                block = self._chunk(region, Chunk(chunk, size))
                return Placement(block, address - block.address)
        unknown = Block(address, 0, "unknown", _NAME, arena=region.arena.name)
        return Placement(unknown, 0)

    def _below(self, region: Region, chunk: Chunk | None) -> Block | None:
        """The block below a chunk."""
        if chunk is None or chunk.address <= region.start:
            return None
        if chunk.before:
            start, size = chunk.address - chunk.before, chunk.before
            in_use = is_used(self._words, start, size)
            below: Chunk | None = Chunk(start, size, in_use)
        else:
            at = chunk.address + self._layout.word - 1
            below = self._walk(region).find(self._words, at)
        return None if below is None else self._chunk(region, below)

    def _chunk(self, region: Region, chunk: Chunk) -> Block:
        """The block of a chunk, and in which list it waits if it is free."""
        layout, block = self._layout, chunk.address + self._layout.header
        if not chunk.known:
            return self._block(region, chunk.address, chunk.size, "unknown", None)
        if any(cache.block == block for cache in self._tcaches):
            return self._block(region, chunk.address, chunk.size, "metadata", None)
        waiting = self._caches.name(block, f"fastbin {chunk.size}")
        if waiting is None and not chunk.in_use:
            waiting = layout.bin_name(layout.bin_of(chunk.size))
            chunks = self._in_unsorted[region.arena.address]
            index = bisect_left(chunks, chunk.address)
            if index < len(chunks) and chunks[index] == chunk.address:
                waiting = layout.bin_name(1)
        state = "live" if waiting is None else "free"
        if waiting is None and self._caches.may_wait(chunk.size):
            state = "unknown"
        return self._block(region, chunk.address, chunk.size, state, waiting)

    def _block(
        self, region: Region, chunk: int, size: int, state: str, waiting: str | None
    ) -> Block:
        start, usable = chunk + self._layout.header, self._layout.usable(size)
        return Block(
            start,
            usable,
            state,
            _NAME,
            free_list=waiting,
            arena=region.arena.name,
            preview=self._words.memory.read_some(start, min(usable, _PREVIEW)),
        )

    def _mapped_block(self, chunk: MappedChunk) -> Block:
        start = chunk.address + self._layout.header
        size = self._words.chunk_size(chunk.address) or 0
        # Since 2.43 a size is that of any other chunk, before it filled the pages.
        fills = chunk.address + size == chunk.end
        usable = size - (self._layout.header if fills else self._layout.word)
        preview = self._words.memory.read_some(start, _PREVIEW)
        return Block(start, usable, "live", _NAME, arena="mapped", preview=preview)

    # --- lists --------------------------------------------------------------

    def freed(self) -> Iterator[Block]:
        """Free blocks, the most recent first as far as the lists tell: the first of
        each tcache's lists, the second of each, …; fastbins; bins, the unsorted first.
        """
        lists = self._caches.lists
        yield from self._in_lists([one for one in lists if one.cache is not None])
        yield from self._in_lists([one for one in lists if one.cache is None])
        reader = ListReader(self._words.memory, self._layout)
        for index in range(1, BIN_COUNT):
            for arena in self._arenas:
                for chunk in (
                    self._unsorted[arena.address]
                    if index == 1
                    else bin_chunks(self._words, reader, arena, index, _BIN_LIMIT)
                ):
                    block = self._freed_block(
                        chunk + self._layout.header, self._layout.bin_name(index)
                    )
                    if block is not None:
                        yield block

    def _in_lists(self, lists: list[FreeList]) -> Iterator[Block]:
        seen: set[int] = set()
        for blocks in itertools.zip_longest(*(one.found.entries for one in lists)):
            for one, block in zip(lists, blocks, strict=True):
                if block is not None and block not in seen:
                    if len(seen) < _BIN_LIMIT:
                        seen.add(block)
                    found = self._freed_block(block, one.name)
                    if found is not None:
                        yield found

    def _freed_block(self, block: int, waiting: str) -> Block | None:
        chunk = block - self._layout.header
        size, region = self._words.chunk_size(chunk), self._region_at(chunk)
        if size is None or size < self._layout.minimum or region is None:
            return None
        return self._block(region, chunk, size, "free", waiting)

    def linked(self, value: int) -> Block | None:
        """The free block whose link is ``value``, safe-linked as it is stored."""
        if value == 0:
            return None
        for one in self._caches.lists:
            try:
                index = one.found.links.index(value)
            except (ValueError, OverflowError):
                continue
            return self._freed_block(one.found.entries[index], one.name)
        return self._last_in_bin(value)

    def _last_in_bin(self, value: int) -> Block | None:
        """The last chunk of a bin, whose link is the bin itself."""
        step = 2 * self._layout.word
        for arena in self._arenas:
            index, rest = divmod(value - arena.bin(self._layout, 0), step)
            if 1 <= index < BIN_COUNT and rest == 0:
                last = self._words.word(value + 3 * self._layout.word)
                if last is not None and last != value:
                    name = self._layout.bin_name(index)
                    return self._freed_block(last + self._layout.header, name)
        return None

    # --- report -------------------------------------------------------------

    def report(self) -> Allocator:
        """Totals, damage, the most recently freed blocks. Walks all of it, once."""
        return self._report

    @functools.cached_property
    def _report(self) -> Allocator:
        walked = [self._walk(region) for region in self._regions]
        walks = [one.walk for one in walked]
        word, mapped = self._layout.word, self._mapped
        own = [cache for cache in self._tcaches if self._region_at(cache.block)]
        sizes = (
            self._words.chunk_size(cache.block - self._layout.header) or 0
            for cache in own
        )
        blocks = [self._mapped_block(chunk) for chunk in mapped]
        live = sum(walk.used for walk in walks) - len(own)
        free = sum(walk.freed + walk.waiting for walk in walks)
        used_bytes = sum(walk.used_bytes for walk in walks) - sum(sizes)
        free_bytes = sum(walk.freed_bytes + walk.waiting_bytes for walk in walks)
        damage, notes = self._damage(walked), self._notes(walked)
        return Allocator(
            name=_NAME,
            version=self._version_text,
            found_by=self._found_by,
            arenas=len(self._arenas),
            live_blocks=live + len(blocks),
            live_bytes=used_bytes - live * word + sum(block.size for block in blocks),
            free_blocks=free,
            free_bytes=free_bytes - free * word,
            mapped_bytes=sum(arena.system_bytes for arena in self._arenas)
            + sum(chunk.bytes for chunk in mapped),
            damage=damage,
            freed=tuple(itertools.islice(self.freed(), _FREED_LIMIT)),
            notes=notes,
        )

    @functools.cached_property
    def _version_text(self) -> str:
        """As the library says it, else as the layouts tell."""
        if self._version is not None:
            return ".".join(map(str, self._version))
        if isinstance(self._main, MainArena) and not self._main.has_fastbins:
            return "2.43 or later"
        layouts = {cache.layout.versions for cache in self._tcaches}
        found = next(iter(layouts)) if len(layouts) == 1 else "2.26 or later"
        if found.startswith("2.30"):
            mangled = self._caches.mangled
            return {True: "2.32–2.41", False: "2.30–2.31"}.get(bool(mangled), found)
        return found

    def _damage(self, walked: list[Walked]) -> tuple[HeapDamage, ...]:
        reader = ListReader(self._words.memory, self._layout)
        inside = is_running_in(self._core, self._library.module)
        found: list[tuple[Flaw, str]] = []
        for one in walked:
            doubt = self._doubt(one.region.arena)
            found += [(flaw, doubt) for flaw in one.flaws]
            if one.region.has_top:
                found += [(f, doubt) for f in top_flaws(self._words, one.region)]
        for arena in self._arenas:
            doubt = self._doubt(arena)
            found += [(f, doubt) for f in bin_flaws(self._words, reader, arena)]
        doubt = "another thread was running in the C library" if inside else ""
        lists = self._caches.lists
        keys = overwritten_keys(self._words, lists, self._library.data)
        found += [(flaw, doubt) for flaw in (*self._caches.flaws, *keys)]
        return tuple(itertools.starmap(self._damaged, found[:_DAMAGE_LIMIT]))

    def _doubt(self, arena: Arena) -> str:
        """Why what is odd in an arena may be no damage."""
        module, counter = self._library.module, self._core.architecture.program_counter
        if arena.locked and any(
            module.start <= thread.registers.get(counter, 0) < module.end
            for thread in self._core.threads[1:]
        ):
            return f"{arena.name} was locked, perhaps while another thread changed it"
        return ""

    def _damaged(self, flaw: Flaw, doubt: str) -> HeapDamage:
        overrun = None
        if flaw.above is not None:
            region = self._region_at(flaw.above)
            if region is not None:
                overrun = self._below(region, Chunk(flaw.above, 0))
        data = self._words.memory.read_some(flaw.address, _PREVIEW)
        return HeapDamage(
            flaw.address, flaw.what, _NAME, overrun, data, flaw.kind, doubt
        )

    def _notes(self, walked: list[Walked]) -> tuple[str, ...]:
        notes = [note for one in walked for note in one.notes]
        notes += self._caches.notes
        known = self._parameters
        if isinstance(self._main, Orphan):
            notes.append(
                "the C library's variables are not in the core: bins, other arenas and"
                " where free blocks wait are not known"
            )
        elif known is None:
            notes.append("malloc's parameters were not found: where the heap begins")
        else:
            missing = known.mapped_bytes - sum(chunk.bytes for chunk in self._mapped)
            # Since 2.43 every mremap of one counts a header too little or too much.
            if missing >= _PAGE:
                notes.append(f"{missing} bytes of mapped blocks were not found")
        notes += [
            f"{arena.name} was locked: a thread was inside malloc or free"
            for arena in self._arenas
            if arena.locked
        ]
        return tuple(notes[:_DAMAGE_LIMIT])
