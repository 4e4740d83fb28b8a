"""One pass over the memory of a process for words that lead to targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from coresnap.analysis.aliases.regions import Region
from coresnap.analysis.aliases.spans import TargetMap
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import SPAN_LIMIT, scan_pointers

__all__ = ["Word", "WordSearch", "search_words"]

_MOST_WORDS = 8192
"""Of one pass: a list of all blocks of a program may lead to each of them."""
_COMMON = 1000
"""What stands in memory so often is a value that many things have."""


class Word(msgspec.Struct, frozen=True):
    """A word of memory that leads to a target."""

    address: int
    value: int


class WordSearch(msgspec.Struct, frozen=True):
    """What one pass found."""

    words: tuple[Word, ...]
    common: int = 0
    """Words that were left out because their value is common."""
    unread: int = 0
    """Bytes of memory beyond the budget."""
    more: bool = False
    """There are more words than were taken."""


def search_words(
    memory: Memory, regions: Iterable[Region], targets: TargetMap, budget: int
) -> WordSearch:
    """Read at most ``budget`` bytes of ``regions``, in their order."""
    spans = targets.spans[:SPAN_LIMIT]
    words: list[Word] = []
    unread = 0
    for region in regions:
        for address, view in memory.stored_views(region.start, region.end):
            view = _aligned(view, -address % memory.pointer_size)
            address += -address % memory.pointer_size
            taken = view[: min(len(view), max(budget, 0))]
            unread += len(view) - len(taken)
            budget -= len(taken)
            room = _MOST_WORDS + 1 - len(words)
            if taken and room > 0:
                found = scan_pointers(
                    taken,
                    spans,
                    pointer_size=memory.pointer_size,
                    byte_order=memory.byte_order,
                    limit=room,
                )
                words += [Word(address + offset, value) for offset, value in found]
    more = len(words) > _MOST_WORDS
    rare, common = _without_common(words[:_MOST_WORDS])
    return WordSearch(rare, common, unread, more)


def _aligned(view: memoryview, skip: int) -> memoryview:
    return view[skip:] if skip else view


def _without_common(words: list[Word]) -> tuple[tuple[Word, ...], int]:
    counts = Counter(word.value for word in words)
    rare = tuple(word for word in words if counts[word.value] <= _COMMON)
    return rare, len(words) - len(rare)
