"""Checks the word that marks a block as freed: ``tcache_entry.key``.

Since 2.29 free() writes it behind the link of a block that it puts into a tcache: the
cache's address, since 2.34 a number drawn at the start of the process. malloc() wipes
it. In a block that still waits it can only have been overwritten.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence

from coresnap.analysis.heap.glibc.caches import FreeList
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["overwritten_keys"]


def overwritten_keys(
    words: Words, lists: Sequence[FreeList], ranges: tuple[tuple[int, int], ...]
) -> Iterator[Flaw]:
    """Blocks in tcaches whose key is not what free() wrote.

    ``ranges`` are the library's variables, one of which is the key.
    """
    marked = [one for one in lists if one.cache is not None]
    found = {
        block: (one, key)
        for one in marked
        for block in one.found.entries
        if (key := words.word(block + words.layout.word)) is not None
    }
    by_address = sum(
        one.cache is not None and key == one.cache.block for one, key in found.values()
    )
    drawn = _drawn_key(words, Counter(key for _, key in found.values()), ranges)
    if not by_address and drawn is None:
        return  # an older version, or too little to tell
    for block, (one, key) in found.items():
        assert one.cache is not None
        expected = one.cache.block if by_address else drawn
        if key != expected:
            yield Flaw(
                block + words.layout.word,
                f"the key of block {block:#x} in {one.name} is {key:#x},"
                f" not {expected:#x}: it was written to after it was freed",
                kind="key",
            )


def _drawn_key(
    words: Words, counted: Counter[int], ranges: tuple[tuple[int, int], ...]
) -> int | None:
    """The most common key, if it is in one of the library's variables."""
    code = (">" if words.layout.big_endian else "<") + (
        "Q" if words.layout.word == 8 else "I"
    )
    for key, _ in counted.most_common(3):
        if key < 1 << 16:  # zeros, and small numbers, are anywhere
            continue
        data = struct.pack(code, key)
        for start, end in ranges:
            if data in words.memory.read_some(start, end - start):
                return key
    return None
