"""Where an arena's memory is: the pieces that are walked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coresnap.analysis.heap.glibc.arenas import Arena, MainArena, sub_heaps
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.layout import BIN_COUNT, FLAGS, PREVIOUS_IN_USE
from coresnap.analysis.heap.glibc.orphan import Orphan
from coresnap.analysis.heap.glibc.regions import Region
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["find_regions", "first_chunks", "orphan_regions", "top_flaws"]

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
    sound = (region for region in found if region.start <= region.stop)
    return sorted(sound, key=lambda region: region.address)


def orphan_regions(words: Words, orphan: Orphan) -> Iterator[Region]:
    """The memory of a main arena of which no more is known."""
    for region in _parts(words, orphan.arena, orphan.start, orphan.end):
        if region.start <= region.stop:
            yield region


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
    """What sbrk gave; and the mappings that took its place where sbrk failed."""
    extent = words.extent(heap_start) if heap_start else None
    low = heap_start
    if extent is not None and arena.contiguous:
        yield from _parts(words, arena, low, extent[1])
        if not arena.top or low <= arena.top < extent[1]:
            return
    seen = set() if extent is None or not arena.contiguous else {extent}
    for address in (arena.top, heap_start, *_in_bins(words, arena)):
        extent = words.extent(address) if address else None
        if extent is not None and extent not in seen:
            seen.add(extent)
            yield from _parts(words, arena, *extent, surely_chunks=False)


def _parts(
    words: Words, arena: Arena, start: int, end: int, *, surely_chunks: bool = True
) -> Iterator[Region]:
    """Memory of the main arena, parted behind its top chunk, if that is there."""
    first = words.layout.first_chunk(start)
    if not first <= arena.top < end:
        yield Region(arena, start, first, end, end, surely_chunks)
        return
    size = words.chunk_size(arena.top) or 0
    behind = arena.top + size
    if not arena.top < behind <= end:
        behind = end
    yield Region(arena, start, first, arena.top, behind, surely_chunks)
    if behind < end and not arena.contiguous:
        first = words.layout.first_chunk(behind)
        yield Region(arena, behind, first, end, end, surely_chunks=False)


def _in_bins(words: Words, arena: Arena) -> Iterator[int]:
    """Chunks of the arena, somewhere: the first and the last of each bin."""
    if arena.contiguous:
        return
    links = words.words(arena.bins, 2 * BIN_COUNT)
    behind = arena.bins + 2 * BIN_COUNT * words.layout.word
    yield from (link for link in links if not arena.address <= link < behind)
    yield from (chunk for chunk in arena.fastbins if chunk)


def top_flaws(words: Words, region: Region) -> Iterator[Flaw]:
    """What is wrong with the header of a top chunk.

    Its size need not be a multiple of the alignment: it ends where a page does.
    """
    layout, top = words.layout, region.arena.top
    word = words.word(top + layout.word)
    if word is None:
        return
    size, extent = word & ~FLAGS, words.extent(top)
    wrong = ""
    if word & FLAGS != PREVIOUS_IN_USE:
        wrong = f"has flags ({word & FLAGS}) that no top chunk has"
    elif size < layout.minimum:
        wrong = f"is less than the least, {layout.minimum:#x}"
    elif extent is not None and top + size > extent[1]:
        wrong = f"is more than the {extent[1] - top:#x} bytes that follow"
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
