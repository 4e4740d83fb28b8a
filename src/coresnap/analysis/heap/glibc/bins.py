"""Checks the bins: double lists of free chunks, by size."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from coresnap.analysis.heap.glibc.arenas import Arena
from coresnap.analysis.heap.glibc.chunk_list import (
    MISALIGNED,
    SIZE,
    UNLINKED,
    UNREADABLE,
    ListReader,
)
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.layout import BIN_COUNT
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["bin_chunks", "bin_flaws"]

_SMALL_BINS = 64


def bin_chunks(
    words: Words, reader: ListReader, arena: Arena, index: int, capacity: int
) -> array[int]:
    """The chunks of a bin, those freed last first, as far as they can be followed."""
    layout = words.layout
    if not arena.bins:
        return array("Q")
    found = reader.circle(
        arena.bin(layout, index),
        sizes=_sizes(words, arena, index),
        capacity=capacity,
        limit=capacity,
    )
    entries: array[int] = found.entries
    return entries


def bin_flaws(words: Words, reader: ListReader, arena: Arena) -> Iterator[Flaw]:
    """Where the lists of an arena's bins are broken."""
    layout, word = words.layout, words.layout.word
    for index in range(1, BIN_COUNT if arena.bins else 0):
        head = arena.bin(layout, index)
        found = reader.circle(
            head,
            sizes=_sizes(words, arena, index),
            capacity=0,
            limit=arena.system_bytes // layout.minimum + 1,
        )
        name = f"the {layout.bin_name(index)} of {arena.name}"
        before = found.before
        link = words.word(before + 2 * word)
        if link is None:
            continue
        if found.status == SIZE:
            size = words.word(found.at + word) or 0
            yield Flaw(
                found.at + word,
                f"{name} lists the chunk {found.at:#x}, whose size is {size:#x}",
                found.at,
            )
        elif found.status == UNLINKED:
            back = words.word(found.at + 3 * word) or 0
            yield Flaw(
                found.at + 3 * word,
                f"in {name} {before:#x} leads to {found.at:#x},"
                f" which leads back to {back:#x}",
                kind="link",
            )
        elif found.status == MISALIGNED or (
            found.status == UNREADABLE and words.is_outside(link)
        ):
            yield Flaw(
                before + 2 * word,
                f"in {name} {before:#x} leads to {link:#x}, where no chunk can be",
                kind="link",
            )


def _sizes(words: Words, arena: Arena, index: int) -> tuple[int, int]:
    """Least and most bytes of the chunks in a bin; of a large one only roughly."""
    layout = words.layout
    if 1 < index < _SMALL_BINS:
        size = (index - (layout.alignment > layout.header)) * layout.alignment
        return size, size
    return layout.minimum, max(arena.system_bytes, layout.minimum)
