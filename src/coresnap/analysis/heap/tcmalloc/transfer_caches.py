"""Chains of objects on their way from one thread's cache to another's.

``central_freelist.h`` of gperftools 2.10: the central lists stand in an array, one per
size class. The spans of a class are linked in a ring with one of two heads within the
class's element, which is how the array is found.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

from coresnap.analysis.heap.tcmalloc.spans import Span
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError

__all__ = ["find_chains"]

_ELEMENT = 1216
_SIZE_CLASS = 8
_RINGS = (16, 64)
"""Of spans without and with free objects: the ring's head is a span itself."""
_SLOTS = 128
_SLOT_COUNT = 64
_USED_SLOTS = 1152
_NEXT = 16
_RING_LIMIT = 100_000


def find_chains(
    memory: Memory, spans: Iterable[Span], by_descriptor: Mapping[int, Span]
) -> Iterator[tuple[int, int]]:
    """(size class, first object) of every chain; nothing if the array is not found."""
    array = _find_array(memory, spans, by_descriptor)
    if array is None:
        return
    for size_class in range(1, 128):
        element = array + size_class * _ELEMENT
        data = memory.read_some(element, _ELEMENT)
        if len(data) < _ELEMENT or _number(data, _SIZE_CLASS) != size_class:
            return
        (used,) = struct.unpack_from("<i", data, _USED_SLOTS)
        for slot in range(min(max(used, 0), _SLOT_COUNT)):
            yield size_class, _number(data, _SLOTS + 16 * slot)


def _find_array(
    memory: Memory, spans: Iterable[Span], by_descriptor: Mapping[int, Span]
) -> int | None:
    for span in spans:
        if not span.size_class:
            continue
        head = _ring_head(span, by_descriptor)
        for ring in _RINGS:
            array = head - ring - span.size_class * _ELEMENT
            try:
                stands = [
                    memory.read_word(array + n * _ELEMENT + _SIZE_CLASS)
                    for n in (1, span.size_class)
                ]
            except MemoryReadError:
                continue
            if stands == [1, span.size_class]:
                return array
    return None


def _ring_head(span: Span, by_descriptor: Mapping[int, Span]) -> int:
    """Where the ring leaves the spans that are known."""
    at = span.next
    for _ in range(_RING_LIMIT):
        following = by_descriptor.get(at)
        if following is None:
            break
        at = following.next
    return at


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")
