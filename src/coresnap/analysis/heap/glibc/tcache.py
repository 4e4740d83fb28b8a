"""Finds every thread's cache: ``tcache_perthread_struct``.

Each thread has a pointer to its cache in libc's thread-local storage; the name of that
variable is not exported, but it leads to a chunk of a size that tells the layout. Of
threads that the core does not know, such as those that a forked child has not got, the
cache may still be where it is in most heaps: among the first chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.heap.glibc.layout import (
    IS_MAPPED,
    ChunkLayout,
    TcacheLayout,
    tcache_layouts,
)
from coresnap.analysis.heap.glibc.words import Words
from coresnap.analysis.thread_local import THREAD_POINTERS, ThreadLocalStorage
from coresnap.elfcore.corefile import CoreFile, LoadedModule

__all__ = ["CacheList", "Tcache", "find_tcaches", "stray_tcaches"]

_PT_TLS = 7
_BLOCK_LIMIT = 1 << 14
_ODD_LIMIT = 16
_AROUND = 4096
"""Bytes beside the thread pointer that are searched where the block is not known."""


class CacheList(msgspec.Struct, frozen=True):
    """One list of a cache."""

    head: int
    """First block; 0 if it is empty."""
    head_address: int
    count: int | None
    """Blocks as the cache counts them; None if nothing tells."""
    sizes: tuple[int, int]
    """Least and most bytes of its chunks."""


class Tcache(msgspec.Struct, frozen=True, eq=False):
    """One thread's cache."""

    block: int
    layout: TcacheLayout
    tid: int | None
    """None if its thread is not known."""

    @property
    def owner(self) -> str:
        """``thread 7``."""
        return "an unknown thread" if self.tid is None else f"thread {self.tid}"

    def lists(self, words: Words, capacity: int | None) -> Iterator[CacheList]:
        """Its lists, of which each has room for ``capacity`` blocks."""
        layout, word = self.layout, words.layout.word
        counters = words.integers(self.block, layout.lists, layout.counter)
        heads = words.words(self.block + layout.heads(), layout.lists)
        for index, (counter, head) in enumerate(zip(counters, heads, strict=False)):
            count: int | None = counter
            if layout.counts_down:
                count = None if capacity is None else capacity - counter
            yield CacheList(
                head,
                self.block + layout.heads() + index * word,
                count,
                _sizes(words.layout, layout, index),
            )


def _sizes(layout: ChunkLayout, tcache: TcacheLayout, index: int) -> tuple[int, int]:
    """``tidx2csize``, and what ``large_csize2tidx`` makes of the larger ones."""
    if index < tcache.small_lists:
        size = layout.minimum + index * layout.alignment
        return size, size
    largest = layout.minimum + (tcache.small_lists - 1) * layout.alignment
    bits = largest.bit_length() + index - tcache.small_lists
    return max(largest + 1, 1 << bits - 1), (1 << bits) - 1


def find_tcaches(
    core: CoreFile, module: LoadedModule, words: Words
) -> tuple[list[Tcache], bool]:
    """The caches of all threads; and whether some may be where the core has nothing."""
    layouts = tcache_layouts(words.layout)
    found: dict[int, Tcache] = {}
    lost = False
    storage = ThreadLocalStorage(core)
    for thread in core.threads:
        number = core.architecture.numbers.get(
            THREAD_POINTERS.get(core.architecture.name, "")
        )
        pointer = None if number is None else thread.registers.get(number)
        stored = False
        for start, end in _places(storage, module, pointer):
            stored |= any(True for _ in words.memory.stored_views(start, end))
            cache = _in_block(words, layouts, start, end, thread.tid)
            if cache is not None:
                found.setdefault(cache.block, cache)
                break
        lost |= not stored
    return list(found.values()), lost


def stray_tcaches(
    words: Words, chunks: Iterable[int], tid: int | None = None
) -> Iterator[Tcache]:
    """Those of ``chunks`` that are caches; ``tid`` if there is but one thread.

    Nothing leads to them but their size and what is in them: all of that must be right.
    """
    layouts = tcache_layouts(words.layout)
    for position, chunk in enumerate(chunks):
        cache = _at(words, layouts, chunk + words.layout.header, tid)
        if cache is None or _odd_lists(words, cache):
            continue
        # An empty one looks like any block of zeros, but only a cache begins a heap.
        if position == 0 or any(one.head for one in cache.lists(words, None)):
            yield cache


def _odd_lists(words: Words, cache: Tcache) -> int:
    """How many lists cannot be: a counter that disagrees, a head that is no block of
    the list's size."""
    lists = list(cache.lists(words, 0))
    # Where they count down, an empty list has as much room as there is.
    room = min((one.count or 0 for one in lists), default=0)
    counts_down = cache.layout.counts_down
    odd = 0
    for one in lists:
        count = (one.count or 0) - room if counts_down else one.count
        size = words.chunk_size(one.head - words.layout.header) if one.head else None
        if (one.head == 0) != (count == 0):
            odd += 1
        elif size is not None:
            odd += not one.sizes[0] <= size <= one.sizes[1]
        elif one.head:
            odd += words.is_outside(one.head) or not words.layout.is_block(one.head)
    return odd


def _places(
    storage: ThreadLocalStorage, module: LoadedModule, pointer: int | None
) -> Iterator[tuple[int, int]]:
    """Where libc's variables of a thread may be."""
    if not pointer:
        return
    segments = (elf.segment(_PT_TLS) for elf in (module.elf, module.image) if elf)
    segment = next((found for found in segments if found is not None), None)
    try:
        block = storage.block(module, pointer)
    except ExpressionError:
        pass
    else:
        size = _AROUND if segment is None else min(segment.memsz, _BLOCK_LIMIT)
        yield block, block + size
        return
    yield max(0, pointer - _AROUND), pointer + _AROUND


def _in_block(
    words: Words,
    layouts: dict[int, TcacheLayout],
    start: int,
    end: int,
    tid: int,
) -> Tcache | None:
    word = words.layout.word
    for address, view in words.memory.stored_views(start, end):
        first = -(-address // word) * word
        for value in words.words(first, (address + len(view) - first) // word):
            cache = _at(words, layouts, value, tid)
            if cache is not None:
                return cache
    return None


def _at(
    words: Words, layouts: dict[int, TcacheLayout], block: int, tid: int | None
) -> Tcache | None:
    """The cache in a block, if that has a cache's size and what it lists are blocks."""
    if not words.layout.is_block(block):
        return None
    header = words.word(block - words.layout.word)
    if header is None or header & IS_MAPPED:
        return None
    layout = layouts.get(header & ~7)
    if layout is None:
        return None
    cache = Tcache(block, layout, tid)
    # Some lists of a real cache may be overwritten, most of them hardly.
    return cache if _odd_lists(words, cache) <= _ODD_LIMIT else None
