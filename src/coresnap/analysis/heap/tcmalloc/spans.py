"""Spans: runs of pages, handed out whole or cut into objects of one size class.

``span.h`` of gperftools 2.10: the page where it starts, its length, two links, the
first free object, and a word of bit fields.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from coresnap.elfcore.memory import Memory

__all__ = ["IN_USE", "NORMAL", "RETURNED", "Span", "SpanIndex", "read_span"]

IN_USE, NORMAL, RETURNED = range(3)
"""Not free; free; free, and its pages given back to the system."""
_SPAN = struct.Struct("<QQQQQI")
_LENGTH_LIMIT = 1 << 35
_CLASS_LIMIT = 128


class Span(msgspec.Struct, frozen=True):
    """One span; pages are counted in ``1 << shift`` bytes."""

    descriptor: int
    start: int
    """Address of its first page."""
    size: int
    """Bytes."""
    next: int
    objects: int
    """First free object; 0 if there is none. Of a large span something else."""
    used: int
    """Objects that are not in its own list."""
    size_class: int
    """0: it is handed out whole."""
    location: int

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.start + self.size


def read_span(memory: Memory, descriptor: int, shift: int) -> Span | None:
    """What the descriptor at an address says; None if it cannot be one."""
    data = memory.read_some(descriptor, _SPAN.size)
    if len(data) < _SPAN.size:
        return None
    page, length, following, _, objects, bits = _SPAN.unpack(data)
    used, size_class = bits & 0xFFFF, bits >> 16 & 0xFF
    location = bits >> 24 & 3
    if not page or not 0 < length < _LENGTH_LIMIT or page >= 1 << 48 - shift:
        return None
    if size_class >= _CLASS_LIMIT or location > RETURNED:
        return None
    return Span(
        descriptor,
        page << shift,
        length << shift,
        following,
        objects,
        used,
        size_class,
        location,
    )


class SpanIndex:
    """Ascending, disjoint spans by address."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self._starts = [span.start for span in spans]

    def at(self, address: int) -> Span | None:
        """The span that holds an address."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.spans[index].end:
            return self.spans[index]
        return None
