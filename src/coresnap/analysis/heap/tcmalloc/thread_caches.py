"""The threads' caches: a list of free objects per size class.

``thread_cache.h`` of gperftools 2.10: a thread's local data has the address of its
ThreadCache, which begins with the lists; each knows the size of its objects.
"""

from __future__ import annotations

import struct

import msgspec

from coresnap.elfcore.memory import Memory

__all__ = ["ThreadCache", "read_thread_cache"]

_LIST = struct.Struct("<QIIIIi4x")
"""Head, length, low water, longest, overages, object size."""
_CLASSES = 128
_LEAST_CLASSES = 16
_SMALLEST = (8, 16)
_LARGEST = 1 << 20


class ThreadCache(msgspec.Struct, frozen=True):
    """The lists of one thread."""

    tid: int
    sizes: tuple[int, ...]
    """Bytes of each size class; of class 0, which is none, 0."""
    heads: tuple[int, ...]
    lengths: tuple[int, ...]


def read_thread_cache(memory: Memory, tid: int, data: bytes) -> ThreadCache | None:
    """The cache that a word of a thread's local ``data`` leads to, if one does."""
    tried: set[int] = set()
    for (address,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8]):
        if not address or address % 64 or address in tried:
            continue
        tried.add(address)
        found = _cache_at(memory, tid, address)
        if found is not None:
            return found
    return None


def _cache_at(memory: Memory, tid: int, address: int) -> ThreadCache | None:
    data = memory.read_some(address, _CLASSES * _LIST.size)
    if len(data) < _CLASSES * _LIST.size:
        return None
    lists = list(_LIST.iter_unpack(data))
    sizes = [entry[5] for entry in lists]
    count = next((i for i in range(1, _CLASSES) if sizes[i] <= sizes[i - 1]), _CLASSES)
    if sizes[0] or count < _LEAST_CLASSES or sizes[1] not in _SMALLEST:
        return None
    if sizes[count - 1] > _LARGEST:
        return None
    return ThreadCache(
        tid,
        tuple(sizes[:count]),
        tuple(entry[0] for entry in lists[:count]),
        tuple(entry[1] for entry in lists[:count]),
    )
