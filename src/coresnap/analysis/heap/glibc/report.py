"""What malloc's heap is as a whole: totals, damage, and what is not known."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from coresnap.analysis.heap.glibc.arenas import Arena, MainArena
from coresnap.analysis.heap.glibc.bins import bin_flaws
from coresnap.analysis.heap.glibc.blocks import ALLOCATOR, PREVIEW, Blocks
from coresnap.analysis.heap.glibc.chunk_list import ListReader
from coresnap.analysis.heap.glibc.contents import Contents
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.keys import overwritten_keys
from coresnap.analysis.heap.glibc.orphan import Orphan
from coresnap.analysis.heap.glibc.places import top_flaws
from coresnap.analysis.heap.glibc.regions import Chunk, Walked
from coresnap.analysis.heap.glibc.running import is_running_in
from coresnap.model import Allocator, Block, HeapDamage

__all__ = ["Report"]

_PAGE = 4096
_FREED_LIMIT = 64
_DAMAGE_LIMIT = 64


class Report:
    """Adds up what a heap contains, and tells what is wrong with it."""

    def __init__(self, contents: Contents, blocks: Blocks, found_by: str) -> None:
        self._contents, self._blocks, self._found_by = contents, blocks, found_by
        self._words, self._layout = contents.words, contents.layout

    def make(self, freed: Iterable[Block]) -> Allocator:
        """All of it; ``freed`` are the blocks freed last."""
        walked = [self._contents.walk(region) for region in self._contents.regions]
        walks = [one.walk for one in walked]
        word, mapped = self._layout.word, self._contents.mapped
        own = [
            cache
            for cache in self._contents.tcaches
            if self._contents.region_at(cache.block)
        ]
        sizes = (
            self._words.chunk_size(cache.block - self._layout.header) or 0
            for cache in own
        )
        blocks = [self._blocks.mapped_block(chunk) for chunk in mapped]
        live = sum(walk.used for walk in walks) - len(own)
        free = sum(walk.freed + walk.waiting for walk in walks)
        used_bytes = sum(walk.used_bytes for walk in walks) - sum(sizes)
        free_bytes = sum(walk.freed_bytes + walk.waiting_bytes for walk in walks)
        damage, notes = self._damage(walked), self._notes(walked)
        return Allocator(
            name=ALLOCATOR,
            version=self._version(),
            found_by=self._found_by,
            arenas=len(self._contents.arenas),
            live_blocks=live + len(blocks),
            live_bytes=used_bytes - live * word + sum(block.size for block in blocks),
            free_blocks=free,
            free_bytes=free_bytes - free * word,
            mapped_bytes=sum(arena.system_bytes for arena in self._contents.arenas)
            + sum(chunk.bytes for chunk in mapped),
            damage=damage,
            freed=tuple(itertools.islice(freed, _FREED_LIMIT)),
            notes=notes,
        )

    def _version(self) -> str:
        """As the library says it, else as the layouts tell."""
        if self._contents.version is not None:
            return ".".join(map(str, self._contents.version))
        if (
            isinstance(self._contents.main, MainArena)
            and not self._contents.main.has_fastbins
        ):
            return "2.43 or later"
        layouts = {cache.layout.versions for cache in self._contents.tcaches}
        found = next(iter(layouts)) if len(layouts) == 1 else "2.26 or later"
        if found.startswith("2.30"):
            mangled = self._contents.caches.mangled
            return {True: "2.32–2.41", False: "2.30–2.31"}.get(bool(mangled), found)
        return found

    def _damage(self, walked: list[Walked]) -> tuple[HeapDamage, ...]:
        reader = ListReader(self._words.memory, self._layout)
        inside = is_running_in(self._contents.core, self._contents.library.module)
        found: list[tuple[Flaw, str]] = []
        for one in walked:
            doubt = self._doubt(one.region.arena)
            found += [(flaw, doubt) for flaw in one.flaws]
            if one.region.has_top:
                found += [(f, doubt) for f in top_flaws(self._words, one.region)]
        for arena in self._contents.arenas:
            doubt = self._doubt(arena)
            found += [(f, doubt) for f in bin_flaws(self._words, reader, arena)]
        doubt = "another thread was running in the C library" if inside else ""
        lists = self._contents.caches.lists
        keys = overwritten_keys(self._words, lists, self._contents.library.data)
        found += [(flaw, doubt) for flaw in (*self._contents.caches.flaws, *keys)]
        return tuple(itertools.starmap(self._damaged, found[:_DAMAGE_LIMIT]))

    def _doubt(self, arena: Arena) -> str:
        """Why what is odd in an arena may be no damage."""
        core, module = self._contents.core, self._contents.library.module
        counter = core.architecture.program_counter
        if arena.locked and any(
            module.start <= thread.registers.get(counter, 0) < module.end
            for thread in core.threads[1:]
        ):
            return f"{arena.name} was locked, perhaps while another thread changed it"
        return ""

    def _damaged(self, flaw: Flaw, doubt: str) -> HeapDamage:
        overrun = None
        if flaw.above is not None:
            region = self._contents.region_at(flaw.above)
            if region is not None:
                overrun = self._blocks.below(region, Chunk(flaw.above, 0))
        data = self._words.memory.read_some(flaw.address, PREVIEW)
        return HeapDamage(
            flaw.address, flaw.what, ALLOCATOR, overrun, data, flaw.kind, doubt
        )

    def _notes(self, walked: list[Walked]) -> tuple[str, ...]:
        notes = [note for one in walked for note in one.notes]
        notes += self._contents.caches.notes
        known = self._contents.parameters
        if isinstance(self._contents.main, Orphan):
            notes.append(
                "the C library's variables are not in the core: bins, other arenas and"
                " where free blocks wait are not known"
            )
        elif known is None:
            notes.append("malloc's parameters were not found: where the heap begins")
        else:
            missing = known.mapped_bytes - sum(
                chunk.bytes for chunk in self._contents.mapped
            )
            # Since 2.43 every mremap of one counts a header too little or too much.
            if missing >= _PAGE:
                notes.append(f"{missing} bytes of mapped blocks were not found")
        notes += [
            f"{arena.name} was locked: a thread was inside malloc or free"
            for arena in self._contents.arenas
            if arena.locked
        ]
        return tuple(notes[:_DAMAGE_LIMIT])
