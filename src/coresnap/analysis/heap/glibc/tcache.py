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

__all__ = ["CacheList", "Tcache", "find_tcaches", "stray_tcache"]

_PT_TLS = 7
_BLOCK_LIMIT = 1 << 14
_ODD_LIMIT = 8
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


def stray_tcache(
    words: Words, chunks: Iterable[int], tid: int | None = None
) -> Tcache | None:
    """The first of ``chunks`` that is a cache; ``tid`` if there is but one thread."""
    layouts = tcache_layouts(words.layout)
    for chunk in chunks:
        cache = _at(words, layouts, chunk + words.layout.header, tid)
        if cache is not None and _lists_its_sizes(words, cache):
            return cache
    return None


def _lists_its_sizes(words: Words, cache: Tcache) -> bool:
    """Whether every list begins with a block of its size, as far as the core goes."""
    for one in cache.lists(words, None):
        if one.head:
            size = words.chunk_size(one.head - words.layout.header)
            if size is not None and not one.sizes[0] <= size <= one.sizes[1]:
                return False
    return True


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
    lists = list(cache.lists(words, None))
    heads = [one.head for one in lists if one.head]
    odd = sum((one.head == 0) != (one.count == 0) for one in lists if one.count)
    # One list of a real cache may be overwritten, most of them hardly.
    if odd > _ODD_LIMIT or (heads and not any(map(words.layout.is_block, heads))):
        return None
    return cache
