"""Finds malloc's parameters: ``struct malloc_par mp_``, a static variable of libc."""

from __future__ import annotations

import msgspec

from coresnap.analysis.heap.glibc.layout import ChunkLayout
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["Parameters", "find_parameters"]

_LIST_LIMIT = 64
_CACHED_LIMIT = (4 << 20) + 1
_COUNT_LIMIT = 0xFFFF
_DEFAULT_MAPPINGS = 65536
"""n_mmaps_max where nobody changed it."""


class Parameters(msgspec.Struct, frozen=True):
    """What malloc knows of the whole process."""

    heap_start: int
    """First address that sbrk gave; 0 for none yet."""
    mapped_bytes: int
    """In chunks with a mapping of their own."""
    mapped_count: int | None
    """How many of those there are; None if it cannot be told."""
    cache_capacity: int
    """Blocks in each list of a tcache, at most."""


def find_parameters(
    words: Words, ranges: tuple[tuple[int, int], ...]
) -> Parameters | None:
    """Look for them in a library's variables: by the limits of the tcache."""
    found: list[tuple[bool, bool, Parameters]] = []
    for start, end in ranges:
        values = words.words(start, (end - start) // words.layout.word)
        for at in range(5, len(values) - 3):
            # Few words of a library's variables are that small.
            if not 0 < values[at + 1] <= _LIST_LIMIT:
                continue
            lists, most, count = values[at + 1 : at + 4]
            if _are_limits(words.layout, lists, most, count):
                known = _parameters(words, values[at - 2 : at + 4], start, at)
                if known is not None:
                    unusual = lists != _LIST_LIMIT
                    found.append((not known.heap_start, unusual, known))
    return min(found, key=lambda one: one[:2])[2] if found else None


def _are_limits(layout: ChunkLayout, lists: int, most: int, count: int) -> bool:
    """Lists, bytes in a block and blocks in a list: as a tcache has them."""
    if not 1 <= lists <= _LIST_LIMIT or not 0 < most <= _CACHED_LIMIT:
        return False
    nearly = abs(most // layout.alignment - lists) <= 1
    return count <= _COUNT_LIMIT and (nearly or lists == _LIST_LIMIT)


def _parameters(
    words: Words, values: tuple[int, ...], start: int, at: int
) -> Parameters | None:
    mapped, most_mapped, heap_start, _, _, count = values
    word = words.layout.word
    if mapped > most_mapped or (heap_start and words.word(heap_start & -word) is None):
        return None
    mappings = _mapped_count(words, start + (at - 2) * word)
    if mappings is None and mapped:
        return None
    return Parameters(heap_start, mapped, mappings, count)


def _mapped_count(words: Words, behind: int) -> int | None:
    """``n_mmaps``, from the integers before ``mmapped_mem``."""
    integers = words.integers(behind - 24, 6, 4)
    if len(integers) < 6:
        return None
    # n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold; since 2.35 an odd number of
    # integers stands there, and so padding where words are 8 bytes.
    starts = (2,) if words.layout.word == 4 else (2, 1)
    plausible = []
    for first in starts:
        count, limit, most, fixed = integers[first : first + 4]
        if count <= most and fixed in (0, 1):
            plausible.append((limit != _DEFAULT_MAPPINGS, first, count))
    return min(plausible)[2] if plausible else None
