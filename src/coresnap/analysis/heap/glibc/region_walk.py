"""Walks one piece of an arena's memory.

A walk goes from header to header. Where a header makes no sense, that is noted, and
the walk goes on at the next place from where chunks follow each other.
"""

from __future__ import annotations

from array import array

from coresnap.analysis.heap.glibc import chunk_walk
from coresnap.analysis.heap.glibc.chunk_walk import ChunkWalk
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.layout import (
    FLAGS,
    IS_MAPPED,
    NON_MAIN,
    PREVIOUS_IN_USE,
    ChunkLayout,
)
from coresnap.analysis.heap.glibc.regions import Region, Walked
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["walk_region"]

_FLAW_LIMIT = 64
_CHAIN = 16
"""Chunks that must follow each other where a walk goes on."""


def walk_region(
    words: Words, region: Region, cached: array[int], budget: int
) -> Walked:
    """Walk all of it; ``cached`` are the blocks in tcaches and fastbins, ascending.

    ``budget`` headers may be read in search of where chunks go on.
    """
    walker = _Walker(words, region, cached, budget)
    walker.run()
    return Walked(
        region,
        walker.walk,
        tuple(walker.runs),
        tuple(walker.flaws),
        tuple(walker.notes),
        walker.budget,
    )


class _Walker:
    def __init__(
        self, words: Words, region: Region, cached: array[int], budget: int
    ) -> None:
        self._words, self._region = words, region
        self._views = dict(
            words.memory.stored_views(
                region.start, max(region.end, region.stop + words.layout.header)
            )
        )
        self.budget = budget
        self.runs: list[tuple[int, int]] = []
        self.flaws: list[Flaw] = []
        self.notes: list[str] = []
        self.walk = ChunkWalk(
            words.layout,
            region.start,
            region.stop,
            bad_flags=IS_MAPPED | (NON_MAIN if region.arena.is_main else 0),
            cached=cached,
            heads_stop=region.has_top,
        )

    def run(self) -> None:
        begin = self.walk.at
        if not self._region.surely_chunks:
            begin = self._go_on(begin)
        while begin:
            status = self._step()
            if status == chunk_walk.OUTSIDE:
                self._add(begin, self.walk.at)
                self.notes.append(
                    f"{self._region.arena.name}: memory from {self.walk.at:#x} on"
                    " is not in the core"
                )
                return
            if status == chunk_walk.STOP:
                self._add(begin, self.walk.at)
                return
            if status == chunk_walk.FENCE and self._is_fence():
                self._add(begin, self.walk.at)
                # Behind it is memory that others got from sbrk, then chunks again.
                if not self._region.arena.is_main:
                    return
                begin = self._go_on(self.walk.at + 2 * self._words.layout.header)
                continue
            begin = self._repair(begin, status)

    def _step(self) -> int:
        """Walk as far as what is stored in a row."""
        at, status = -1, chunk_walk.OUTSIDE
        while status == chunk_walk.OUTSIDE and self.walk.at != at:
            at = self.walk.at
            for address, view in self._views.items():
                if address <= at < address + len(view):
                    status = self.walk.run(view, address)
                    break
        return int(status)

    def _add(self, start: int, end: int) -> None:
        if start < end:
            self.runs.append((start, end))

    def _is_fence(self) -> bool:
        """Whether glibc put it there: another one, or the end, is behind it."""
        layout, at = self._words.layout, self.walk.at
        behind = self._words.word(at + layout.header + layout.word)
        if self._region.arena.is_main:
            return behind == layout.header | PREVIOUS_IN_USE
        return behind == PREVIOUS_IN_USE and (
            self._region.end - at <= 2 * layout.minimum
        )

    def _repair(self, begin: int, status: int) -> int:
        """Note a flaw; go on behind it and say where, 0 for nowhere."""
        at, size = self.walk.at, self.walk.size
        layout = self._words.layout
        previous, word = (*self._words.words(at, 2), 0, 0)[:2]
        # What is wrong with the top chunk is told where its size is looked at.
        if at == self._region.stop or (
            status == chunk_walk.SIZE and self._is_end(word)
        ):
            self._add(begin, at)
            return 0
        below = at - size
        start = at if status == chunk_walk.PREVIOUS else below + layout.minimum
        found = self._go_on(start) if len(self.flaws) < _FLAW_LIMIT else 0
        if status == chunk_walk.PREVIOUS:
            self.flaws.append(_wrong_previous(layout, at, previous, word, size))
        elif size and found and found < at:
            self._add(begin, below)
            own = self._words.word(below + layout.word) or 0
            self.flaws.append(_wrong_length(layout, below, own, at, found))
            return found
        else:
            self.flaws.append(_wrong_size(layout, at, word, self._region))
        self._add(begin, at)
        if not found:
            self.notes.append(
                f"{self._region.arena.name}: no chunks were found behind {at:#x}"
            )
        return found

    def _is_end(self, word: int) -> bool:
        """The end of a heap of an arena where a fence left no room for a chunk."""
        at = self.walk.at
        return (
            word & ~NON_MAIN == PREVIOUS_IN_USE
            and not self._region.arena.is_main
            and not self._region.has_top
            and self._region.end - at <= self._words.layout.minimum
        )

    def _go_on(self, start: int) -> int:
        """Where chunks follow each other again; 0 for nowhere."""
        for address, view in self._views.items():
            if address + len(view) <= start or not self.budget:
                continue
            found, self.budget = self.walk.find(
                view, address, max(start, address), _CHAIN, self.budget
            )
            if found:
                self.walk.restart(found)
                return int(found)
        return 0


def _wrong_previous(
    layout: ChunkLayout, at: int, previous: int, word: int, size: int
) -> Flaw:
    return Flaw(
        at + layout.word,
        f"the chunk at {at:#x} (size word {word:#x}) says that the chunk below it is"
        f" free and has {previous:#x} bytes; it has {size:#x}",
        at,
    )


def _wrong_length(
    layout: ChunkLayout, chunk: int, word: int, at: int, found: int
) -> Flaw:
    return Flaw(
        chunk + layout.word,
        f"the size {word:#x} of the chunk at {chunk:#x} leads to {at:#x}, where no"
        f" chunk is; the next one is at {found:#x}",
        chunk,
    )


def _wrong_size(layout: ChunkLayout, at: int, word: int, region: Region) -> Flaw:
    size = word & ~FLAGS
    if size < layout.minimum:
        why = f"less than the least, {layout.minimum:#x}"
    elif size % layout.alignment:
        why = f"no multiple of {layout.alignment:#x}"
    elif size > region.stop - at:
        why = f"more than the {region.stop - at:#x} bytes that follow"
    else:
        why = f"with flags ({word & FLAGS}) that no chunk of {region.arena.name} has"
    return Flaw(
        at + layout.word, f"the size {word:#x} of the chunk at {at:#x} is {why}", at
    )
