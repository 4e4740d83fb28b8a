"""Where an arena's memory is: the pieces that are walked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coresnap.analysis.heap.glibc.arenas import Arena, MainArena, sub_heaps
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.layout import FLAGS, PREVIOUS_IN_USE
from coresnap.analysis.heap.glibc.regions import Region
from coresnap.analysis.heap.glibc.words import Words
from coresnap.model import Mapping

__all__ = ["find_regions", "first_chunks", "top_flaws"]

_PAGE = 4096
_FIRST = 1024


def find_regions(
    words: Words, arenas: Sequence[Arena], main: MainArena, heap_start: int
) -> list[Region]:
    """The memory of all arenas, ascending; ``heap_start`` as sbrk gave it, or 0."""
    found: list[Region] = []
    for arena in arenas:
        if arena.is_main:
            found.extend(_main_regions(words, arena, heap_start))
        else:
            found.extend(
                Region(
                    arena,
                    heap.address,
                    heap.first_chunk,
                    arena.top if heap.address <= arena.top < heap.end else heap.end,
                    heap.end,
                )
                for heap in sub_heaps(words, arena, main)
            )
    return sorted(found, key=lambda region: region.address)


def first_chunks(words: Words, region: Region) -> Iterator[int]:
    """The first chunks of a region, as far as their sizes are right."""
    chunk = region.start
    for _ in range(_FIRST):
        size = words.chunk_size(chunk)
        if chunk >= region.stop or not size or size % words.layout.alignment:
            return
        yield chunk
        chunk += size


def _main_regions(words: Words, arena: Arena, heap_start: int) -> Iterator[Region]:
    """What sbrk gave, and the mapping that took its place where sbrk failed."""
    find = words.memory.find_mapping
    of_top = find(arena.top) if arena.top else None
    of_start = find(heap_start) if heap_start else None
    if of_start is not None:
        start = words.layout.first_chunk(heap_start)
        if of_start is of_top and start <= arena.top:
            yield Region(
                arena, heap_start, start, arena.top, _end(words, arena, of_start)
            )
            return
        yield Region(arena, heap_start, start, of_start.end, of_start.end)
    if of_top is not None:
        start = words.layout.first_chunk(of_top.start)
        yield Region(
            arena,
            of_top.start,
            start,
            arena.top,
            _end(words, arena, of_top),
            surely_chunks=False,
        )


def _end(words: Words, arena: Arena, mapping: Mapping) -> int:
    """Where the top chunk ends, if its size can be right."""
    size = words.chunk_size(arena.top)
    end = arena.top + (size or 0)
    return end if arena.top < end <= mapping.end else mapping.end


def top_flaws(words: Words, region: Region) -> Iterator[Flaw]:
    """What is wrong with the header of a top chunk."""
    layout, top = words.layout, region.arena.top
    word = words.word(top + layout.word)
    if word is None:
        return
    size, mapping = word & ~FLAGS, words.memory.find_mapping(top)
    wrong = ""
    if word & FLAGS != PREVIOUS_IN_USE:
        wrong = f"has flags ({word & FLAGS}) that no top chunk has"
    elif size < layout.minimum or size % layout.alignment:
        wrong = "is no size"
    elif mapping is not None and top + size > mapping.end:
        wrong = f"is more than the {mapping.end - top:#x} bytes that follow"
    elif region.arena.is_main and (top + size) % _PAGE:
        wrong = f"does not lead to the end of a page, but to {top + size:#x}"
    elif not region.arena.is_main and top + size != region.end:
        wrong = f"does not lead to the end of its heap, {region.end:#x}"
    if wrong:
        yield Flaw(
            top + layout.word,
            f"the size {word:#x} of the top chunk at {top:#x} {wrong}",
            top,
        )
