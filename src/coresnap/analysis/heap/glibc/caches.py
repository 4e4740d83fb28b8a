"""Reads the lists of freed blocks that are not in bins: tcaches and fastbins.

Their chunks' headers say that they are in use, so only the lists tell. Both are single
lists, the most recent block first; since 2.32 their links are *safe-linked*: xor the
link's own address >> 12.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coresnap.analysis.heap.glibc.arenas import Arena
from coresnap.analysis.heap.glibc.chunk_list import (
    END,
    LIMIT,
    LOOP,
    MISALIGNED,
    SIZE,
    UNREADABLE,
    ChunkList,
    ListKind,
    ListReader,
    sort_blocks,
)
from coresnap.analysis.heap.glibc.flaw import Flaw
from coresnap.analysis.heap.glibc.tcache import Tcache
from coresnap.analysis.heap.glibc.words import Words

__all__ = ["Caches", "FreeList", "read_caches"]

_LIST_LIMIT = 1 << 23
"""Blocks of one fastbin."""
_TCACHE_LIMIT = 1 << 16
"""Blocks of one list of a tcache: its counter is 16 bits."""
_CACHED_LIMIT = 1 << 22


class FreeList(msgspec.Struct, frozen=True, eq=False):
    """One list, the most recent block first."""

    name: str
    """``tcache 32 of thread 7``, ``fastbin 48``; the number is the chunk's size."""
    head_address: int
    found: ChunkList
    sizes: tuple[int, int]
    """Least and most bytes of its chunks."""
    count: int | None = None
    """Blocks as its owner counts them."""
    cache: Tcache | None = None
    """None for a fastbin."""


class Caches(msgspec.Struct, frozen=True, eq=False):
    """All lists of a process."""

    lists: tuple[FreeList, ...]
    blocks: array[int]
    """Of all lists, ascending."""
    mangled: bool | None
    """Whether links are safe-linked; None if nothing tells."""
    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...]
    unread: tuple[tuple[int, int], ...]
    """Least and most bytes of chunks that may wait in what the core does not hold."""
    _names: dict[int, str]

    def may_wait(self, size: int) -> bool:
        """Whether a chunk that is in no list may be in one that is not in the core."""
        return any(least <= size <= most for least, most in self.unread)

    def name(self, block: int, fastbin: str) -> str | None:
        """The list that a block waits in; ``fastbin`` is the one of its size."""
        index = bisect_left(self.blocks, block)
        if index == len(self.blocks) or self.blocks[index] != block:
            return None
        return self._names.get(block, fastbin)


class _Reader(msgspec.Struct):
    words: Words
    lists: ListReader
    mangled: bool
    left: int = _CACHED_LIMIT
    """Blocks of tcaches that may still be read."""

    def tcache(self, cache: Tcache, capacity: int | None) -> Iterator[FreeList]:
        for one in cache.lists(self.words, capacity):
            if one.head == 0 and not one.count:
                continue
            found = self.lists.follow(
                one.head,
                ListKind(one.sizes, self.mangled),
                capacity=min(self.left, _TCACHE_LIMIT),
            )
            self.left -= len(found.entries)
            size = one.sizes[1] if one.sizes[0] == one.sizes[1] else one.sizes[1] + 1
            name = f"tcache {size} of {cache.owner}"
            yield FreeList(name, one.head_address, found, one.sizes, one.count, cache)

    def fastbins(self, arena: Arena) -> Iterator[FreeList]:
        layout = self.words.layout
        start = arena.bins - (len(arena.fastbins) + 2) * layout.word
        for index, chunk in enumerate(arena.fastbins):
            if chunk:
                size = layout.fastbin_size(index)
                found = self.lists.follow(
                    chunk + layout.header,
                    ListKind((size, size), self.mangled, layout.header),
                    capacity=_LIST_LIMIT,
                )
                name = f"fastbin {size}"
                address = start + index * layout.word
                yield FreeList(name, address, found, (size, size))


def read_caches(
    words: Words,
    tcaches: Iterable[Tcache],
    arenas: Iterable[Arena],
    *,
    mangled: bool | None,
    capacity: int | None,
    unread: Iterable[tuple[int, int]] = (),
) -> Caches:
    """Read all lists. ``mangled``: by the version; ``capacity`` of a tcache's lists;
    ``unread``: sizes of chunks in lists that are not in the core."""
    tcaches, arenas = list(tcaches), list(arenas)
    attempts = {}
    for guess in (True, False) if mangled is None else (mangled,):
        reader = _Reader(words, ListReader(words.memory, words.layout), guess)
        found = [one for cache in tcaches for one in reader.tcache(cache, capacity)]
        found += [one for arena in arenas for one in reader.fastbins(arena)]
        attempts[guess] = found
    # Both read an empty list alike: then it does not matter.
    best = max(attempts, key=lambda guess: sum(map(_is_whole, attempts[guess])))
    sound = any(map(_is_whole, attempts[best]))
    lists = tuple(attempts[best])
    names = {
        block: one.name
        for one in lists
        if one.cache is not None
        for block in one.found.entries
    }
    blocks: array[int] = array("Q")
    for one in lists:
        blocks.extend(one.found.entries)
    sort_blocks(blocks)
    flaws = [flaw for one in lists for flaw in _flaws(words, one)]
    flaws += _listed_twice(lists)
    return Caches(
        lists,
        blocks,
        best if mangled is not None or sound else None,
        tuple(flaws),
        tuple(_notes(words, lists)),
        (*unread, *(one.sizes for one in lists if _is_cut(words, one))),
        names,
    )


def _is_whole(one: FreeList) -> bool:
    counted = one.count in (None, len(one.found.entries))
    return one.found.status == END and counted


def _is_cut(words: Words, one: FreeList) -> bool:
    """Whether it goes on in memory that the core left out; a damaged link does not."""
    return one.found.status == UNREADABLE and not words.is_outside(one.found.at)


def _notes(words: Words, lists: Sequence[FreeList]) -> Iterator[str]:
    for one in lists:
        if one.found.status == LIMIT:
            yield f"{one.name} has more than {len(one.found.entries)} blocks"
    cut = [one for one in lists if _is_cut(words, one)]
    if cut:
        yield (
            f"lists of freed blocks that end where the core holds nothing: {len(cut)},"
            f" among them {cut[0].name} at {cut[0].found.at:#x}"
        )


def _flaws(words: Words, one: FreeList) -> Iterator[Flaw]:
    found, word = one.found, words.layout.word
    link = found.entries[-1] if found.entries else one.head_address
    if found.status == MISALIGNED:
        yield Flaw(
            link,
            f"the link of {one.name} at {link:#x} leads to {found.at:#x},"
            " where no block can begin",
            kind="link",
        )
    elif found.status == UNREADABLE and not _is_cut(words, one):
        yield Flaw(
            link,
            f"the link of {one.name} at {link:#x} leads to {found.at:#x},"
            " where no memory is",
            kind="link",
        )
    elif found.status == SIZE:
        size = words.word(found.at - word) or 0
        yield Flaw(
            found.at - word,
            f"{one.name} lists the block {found.at:#x}, whose size is {size:#x}",
            found.at - words.layout.header,
        )
    elif found.status == END and one.count is not None:
        missing = one.count - len(found.entries)
        # A thread may have been stopped between the two.
        if abs(missing) > 1:
            yield Flaw(
                one.head_address,
                f"{one.name} counts {one.count} blocks and lists {len(found.entries)}",
                kind="count",
            )


def _listed_twice(lists: Sequence[FreeList]) -> Iterator[Flaw]:
    """Blocks in two lists, or twice in one: they were freed twice."""
    seen: dict[int, str] = {}
    for one in lists:
        # Two fastbins hold different sizes: only a tcache can have the same block.
        if len(one.found.entries) > _TCACHE_LIMIT:
            continue
        for block in set(one.found.entries):
            before = seen.setdefault(block, one.name)
            if before != one.name:
                yield Flaw(
                    block,
                    f"block {block:#x} is listed twice: in {before} and {one.name}",
                    kind="twice",
                )
        if one.found.status == LOOP:
            again = _first_repeated(one)
            what = f"block {again:#x} is listed twice: in {one.name}"
            yield Flaw(again, what, kind="twice")


def _first_repeated(one: FreeList) -> int:
    passed: set[int] = set()
    for block in one.found.entries:
        if block in passed:
            return block
        passed.add(block)
    return one.found.at
