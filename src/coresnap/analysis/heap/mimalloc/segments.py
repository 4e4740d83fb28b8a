"""mimalloc's segments, and the pages that they are cut into.

``mi_segment_t`` and ``mi_page_t`` of mimalloc 2.0.9 on 64-bit systems, built without
encoded lists. A segment begins at a multiple of 32 MiB, and is cut into slices of
64 KiB; a page is one slice or some, and has blocks of one size. The segment's cookie is
its address xor a number of the process, which proves segments against each other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import AddressSpan

__all__ = ["Page", "Segment", "find_segments", "read_pages"]

SEGMENT_ALIGNMENT = 1 << 25
_SLICE = 1 << 16
_SLICES = 512
"""Of a segment; one with a single huge block may have more."""
_HEADER = struct.Struct("<QQQIxxxxQQ")
"""Cookie, slices, slices of its own data, kind, entries, owner."""
_HEADER_AT = (27 * 8, 25 * 8)
"""2.0.9, and before alignments above a segment's were allowed (2.0.7)."""
_PAGE = struct.Struct("<IIBxHHBBQiIQQQQQQ")
_PAGE_SIZE = 80
_HUGE = 1
_HUGE_BLOCK = 1 << 31
"""What stands in place of a size that 32 bits don't hold."""
_SEGMENT_LIMIT = 1 << 16
_OFFSET_SIZES = range(8, 1025)
"""Sizes of blocks that begin 384 bytes into their page."""
_OFFSET = 384


class Segment(msgspec.Struct, frozen=True):
    """One segment."""

    address: int
    size: int
    own: int
    """Bytes of its own data, from the start."""
    entries: int
    table: int
    """Address of the array of slices, which are pages where one begins."""
    owner: int
    """Thread pointer of the thread that it belongs to; 0 if that has ended."""


class Page(msgspec.Struct, frozen=True):
    """Pages with blocks of one size."""

    start: int
    """Its first block."""
    end: int
    """First address behind its last slice."""
    unit: int
    """Bytes of a block."""
    capacity: int
    """Blocks that were ever in a list; those behind were never handed out."""
    reserved: int
    """Blocks that there is room for."""
    used: int
    """Blocks that are in neither of the owner's lists of free ones; negative if more
    were freed than were handed out."""
    free: int
    local: int
    foreign: int
    """First free blocks: to hand out, freed by the owner, freed by other threads."""
    owner: int


def find_segments(memory: Memory, spans: Sequence[AddressSpan]) -> list[Segment]:
    """Segments in these spans of addresses, ascending."""
    found: list[tuple[int, Segment]] = []
    for start, end in spans:
        first = -(-start // SEGMENT_ALIGNMENT) * SEGMENT_ALIGNMENT
        for address in range(first, end, SEGMENT_ALIGNMENT):
            one = _segment_at(memory, address)
            if one is not None and len(found) < _SEGMENT_LIMIT:
                found.append(one)
    # Memory that only looks like one has another cookie.
    cookies = [cookie for cookie, _ in found]
    best = max(set(cookies), key=cookies.count, default=0)
    return [segment for cookie, segment in found if cookie == best]


def _segment_at(memory: Memory, address: int) -> tuple[int, Segment] | None:
    """The process's cookie, and the segment that begins at ``address``."""
    for at in _HEADER_AT:
        data = memory.read_some(address + at, _HEADER.size + _PAGE.size)
        if len(data) < _HEADER.size + _PAGE.size:
            continue
        cookie, slices, own, kind, entries, owner = _HEADER.unpack_from(data)
        first = _PAGE.unpack_from(data, _HEADER.size)
        if kind == _HUGE:
            sizes_fit = 0 < entries <= _SLICES and slices >= entries
        else:
            sizes_fit = kind == 0 and slices == entries == _SLICES
        # The segment's own data takes the first slices, as if it were a page.
        if not sizes_fit or not 0 < own < entries or first[:2] != (own, 0):
            continue
        table = address + at + _HEADER.size
        return cookie ^ address, Segment(
            address, slices * _SLICE, own * _SLICE, entries, table, owner
        )
    return None


def read_pages(memory: Memory, segment: Segment) -> Iterator[Page]:
    """Pages of a segment that are in use, ascending."""
    index = segment.own // _SLICE
    while index < segment.entries:
        data = memory.read_some(segment.table + index * _PAGE_SIZE, _PAGE.size)
        if len(data) < _PAGE.size:
            return
        count, offset = struct.unpack_from("<II", data)
        if not count or offset:
            return
        page = _page(segment, index, data)
        if page is not None:
            yield page
        index += count


def _page(segment: Segment, index: int, data: bytes) -> Page | None:
    fields = _PAGE.unpack(data)
    count, capacity, reserved = fields[0], fields[3], fields[4]
    free, used, unit, local, foreign = fields[7:12]
    start = segment.address + index * _SLICE
    end = start + count * _SLICE
    if unit in _OFFSET_SIZES:
        start += _OFFSET
    if unit >= _HUGE_BLOCK:
        unit = end - start
    if unit < 8 or not capacity <= reserved <= (end - start) // unit:
        return None
    return Page(
        start,
        end,
        unit,
        capacity,
        reserved,
        used,
        free,
        local,
        foreign & ~3,
        segment.owner,
    )
