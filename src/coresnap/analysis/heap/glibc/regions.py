"""The nouns of an arena's memory: its pieces, what a walk found there, its chunks."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from coresnap.analysis.heap.glibc.arenas import Arena
from coresnap.analysis.heap.glibc.chunk_walk import ChunkWalk
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.layout import PREVIOUS_IN_USE
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["Chunk", "Region", "Walked", "is_used"]


class Region(msgspec.Struct, frozen=True, eq=False):
    """One piece of memory of an arena."""

    arena: Arena
    address: int
    """Where it begins; malloc's own data is before ``start``."""
    start: int
    """The first chunk."""
    stop: int
    """Where the chunks end: at the top chunk, or at ``end``."""
    end: int
    surely_chunks: bool = True
    """False: what is at ``start`` may be something else."""

    @property
    def has_top(self) -> bool:
        """Whether the top chunk is at ``stop``."""
        return self.stop == self.arena.top


class Chunk(msgspec.Struct, frozen=True):
    """A chunk that was found by its address."""

    address: int
    size: int
    """With its header; of a gap in the walk the bytes that nobody could make out."""
    in_use: bool = True
    """What the header behind it says; chunks in caches are said to be in use."""
    known: bool = True
    """False for a gap."""
    before: int = 0
    """Size of the chunk below it; 0 if that is not known."""


class Walked(msgspec.Struct, frozen=True, eq=False):
    """What a walk through a region found."""

    region: Region
    walk: ChunkWalk
    runs: tuple[tuple[int, int], ...]
    """Stretches of chunks without a gap: from the first to where the last one ends."""
    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...]
    budget: int
    """Headers that may still be read in search of where chunks go on."""

    def find(self, words: Words, address: int) -> Chunk | None:
        """The chunk whose block or header holds ``address``; None beyond the walk."""
        # The first word of a header belongs to the block below it.
        wanted = address - words.layout.word
        index = bisect_right(self.runs, (wanted, 1 << 64)) - 1
        if index >= 0 and wanted < self.runs[index][1]:
            start, end = self.runs[index]
            return _follow(words, self._mark(start, wanted), end, wanted)
        start = self.runs[index][1] if index >= 0 else self.region.start
        end = self.region.stop
        if index + 1 < len(self.runs):
            end = self.runs[index + 1][0]
        if not start <= wanted < end:
            return None
        return Chunk(start, end - start, known=False)

    def _mark(self, start: int, wanted: int) -> int:
        """A chunk from which the wanted one and that below it can be walked to."""
        granule = (wanted - self.region.start) >> self.walk.shift
        seen = 0
        for index in range(granule, -1, -1):
            mark = self.walk.marks[index]
            if mark > wanted or not mark:
                continue
            if mark <= start:
                break
            seen += 1
            if seen == 2:
                return int(mark)
        return start


def _follow(words: Words, chunk: int, end: int, wanted: int) -> Chunk | None:
    before = 0
    while chunk < end:
        size = words.chunk_size(chunk)
        if not size:
            return None
        if wanted < chunk + size:
            return Chunk(chunk, size, is_used(words, chunk, size), before=before)
        chunk, before = chunk + size, size
    return None


def is_used(words: Words, chunk: int, size: int) -> bool:
    """Whether the header behind a chunk says that it is in use.

    One that says it is free, of another size, was written over.
    """
    behind = words.words(chunk + size, 2)
    return len(behind) < 2 or bool(behind[1] & PREVIOUS_IN_USE) or behind[0] != size
