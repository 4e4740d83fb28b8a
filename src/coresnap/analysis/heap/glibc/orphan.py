"""Finds the heap of a core that has lost the C library's variables.

A core that was cut off has lost them first: its libraries lie behind its heap. The
main arena's heap can still be known by how it begins, up to 2.41: with the chunk of the
first thread's tcache.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import msgspec

from coresnap.analysis.heap.glibc import chunk_walk
from coresnap.analysis.heap.glibc.arenas import Arena
from coresnap.analysis.heap.glibc.chunk_walk import ChunkWalk
from coresnap.analysis.heap.glibc.layout import (
    IS_MAPPED,
    NON_MAIN,
    PREVIOUS_IN_USE,
    tcache_layouts,
)
from coresnap.analysis.heap.glibc.tcache import stray_tcaches
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["Orphan", "find_orphan"]

_CHAIN = 8
"""Chunks that must follow the first one."""


class Orphan(msgspec.Struct, frozen=True, eq=False):
    """The main arena, of which only the memory is known."""

    arena: Arena
    start: int
    end: int


def find_orphan(words: Words) -> Orphan | None:
    """Look for memory that begins as a heap does."""
    for start, end in _begins(words):
        top = _top(words, start, end)
        if top is not None:
            arena = Arena(
                address=0,
                bins=0,
                is_main=True,
                locked=False,
                contiguous=True,
                fastbins=(),
                top=top,
                system_bytes=0,
            )
            return Orphan(arena, start, end)
    return None


def _begins(words: Words) -> Iterator[tuple[int, int]]:
    """Memory that begins with a tcache."""
    layout = words.layout
    sizes = tcache_layouts(layout)
    for mapping in words.memory.mappings:
        if mapping.path is not None or not mapping.stored:
            continue
        chunk = layout.first_chunk(mapping.start)
        header = words.words(chunk, 2)
        if len(header) == 2 and header[1] - PREVIOUS_IN_USE in sizes:
            extent = words.extent(mapping.start)
            if extent is not None and any(stray_tcaches(words, [chunk])):
                yield mapping.start, extent[1]


def _top(words: Words, start: int, end: int) -> int | None:
    """The top chunk, 0 if it is not in the core; None if no chunks follow."""
    walk = ChunkWalk(
        words.layout,
        words.layout.first_chunk(start),
        end,
        bad_flags=IS_MAPPED | NON_MAIN,
        cached=array("Q"),
        heads_stop=False,
    )
    status = chunk_walk.OUTSIDE
    for address, view in words.memory.stored_views(start, end):
        if status == chunk_walk.OUTSIDE:
            status = walk.run(view, address)
    if status == chunk_walk.STOP and walk.size:
        return end - int(walk.size)
    # Its size is no multiple of the alignment where a header is smaller than that.
    if walk.at + (words.chunk_size(walk.at) or 0) == end:
        return int(walk.at)
    return 0 if walk.used + walk.freed >= _CHAIN else None
