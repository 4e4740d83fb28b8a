"""Tables of pointers that are nearly all zero, as radix trees are made of."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from coresnap.elfcore.memory import Memory

__all__ = ["disjoint_tables", "table_words"]

_PIECE = 1 << 12
"""Bytes that are looked at at once: most of what may be a table is none by its first
words, and most of a table is zero."""
_ZEROS = bytes(_PIECE)


def table_words(memory: Memory, table: int, size: int) -> Iterator[tuple[int, int]]:
    """Index and value of the 8-byte words, little endian, that are there and not 0.

    Of memory of no file, as allocators' tables are.
    """
    for start, view in memory.stored_views(table, table + size):
        for at in range(0, len(view), _PIECE):
            # Bytes are compared at once, views of them one by one.
            data = view[at : at + _PIECE].tobytes()
            if data == _ZEROS:
                continue
            words = array("Q", data[: len(data) // 8 * 8])
            index = (start + at - table) // 8
            yield from ((i, word) for i, word in enumerate(words, index) if word)


def disjoint_tables(
    tables: Iterable[tuple[int, int]], size: int, limit: int
) -> list[tuple[int, int]]:
    """The first ``limit`` of (index, table) whose tables of ``size`` bytes overlap none
    before: a hostile core has the same table a million times."""
    kept: list[tuple[int, int]] = []
    taken: dict[int, int] = {}
    for index, table in tables:
        if len(kept) == limit:
            break
        near = (taken.get(table // size + step) for step in (-1, 0, 1))
        if all(other is None or abs(other - table) >= size for other in near):
            taken[table // size] = table
            kept.append((index, table))
    return kept
