"""Extents: runs of pages that jemalloc hands out whole, or cut into regions as slabs.

``extent_t`` of 5.0 to 5.2 and ``edata_t`` of 5.3 begin with the same three words, and
have the bitmap of a slab's free regions at the same place.
"""

from __future__ import annotations

import struct

import msgspec

from coresnap.analysis.heap.jemalloc.layouts import Fields, Geometry
from coresnap.analysis.heap.jemalloc.size_classes import CLASS_LIMIT, size_of
from coresnap.elfcore.memory import Memory

__all__ = [
    "ACTIVE",
    "DIRTY",
    "MUZZY",
    "RETAINED",
    "Extent",
    "is_described",
    "read_extent",
]

ACTIVE, DIRTY, MUZZY, RETAINED = range(4)
_LAST_STATE = {2: 3, 3: 5}
"""By the width of the field: 5.3 has two that last only as long as a lock is held."""
_HEAD = struct.Struct("<QQQ")
_BITMAP = 64
_REGION_BITS = 9
"""log2 of the regions of a slab of one 4-KiB page: those of the smallest class."""
_ARENA = 0xFFF
_SLAB = 1 << 12
_SIZE_LIMIT = 1 << 47


class Extent(msgspec.Struct, frozen=True):
    """One extent, as its descriptor says."""

    descriptor: int
    """Address of the extent_t or edata_t."""
    start: int
    """Its first page."""
    size: int
    """Bytes, whole pages."""
    address: int
    """What is handed out of a large one: somewhere in its first page."""
    arena: int
    state: int
    """``ACTIVE`` …; larger ones are passing states. ``DIRTY``, too, if it is in use for
    the allocator, and of no class."""
    size_class: int
    """Index; that of no class if nobody has it."""
    is_slab: bool
    free: int
    """Free regions of a slab, by its own count."""
    bitmap: int
    """Bit per region of a slab, set if it is free."""

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.start + self.size

    @property
    def unit(self) -> int:
        """Usable bytes of what is handed out of it."""
        if self.size_class >= CLASS_LIMIT:
            return self.size
        return size_of(self.size_class)

    @property
    def regions(self) -> int:
        """Regions of a slab."""
        return self.size // self.unit


def is_described(memory: Memory, descriptor: int, page: int) -> bool:
    """Whether a descriptor has the address of a page, whatever else it says."""
    data = memory.read_some(descriptor, _HEAD.size)
    if len(data) < _HEAD.size:
        return False
    _, address, size = _HEAD.unpack(data)
    return bool(address & -4096 <= page < address + size)


def read_extent(
    memory: Memory, descriptor: int, fields: Fields, geometry: Geometry
) -> Extent | None:
    """What the descriptor at an address says; None if it cannot be one."""
    region_bits = _REGION_BITS + geometry.page - 12
    data = memory.read_some(descriptor, _BITMAP + (1 << region_bits) // 8)
    if len(data) < _HEAD.size:
        return None
    bits, address, sizes = _HEAD.unpack_from(data)
    page = (1 << geometry.page) - 1
    start, size = address & ~page, sizes & ~page
    state = bits >> fields.state & (1 << fields.state_bits) - 1
    size_class = bits >> fields.size_class & 0xFF
    if state == ACTIVE and size_class == CLASS_LIMIT:
        # The huge-page allocator's (5.3, ``sec.c``): kept for whoever asks next.
        state = DIRTY
    # Of what nobody has, the flag may be that of its last use.
    is_slab = state == ACTIVE and bool(bits & _SLAB)
    if not start or not 0 < size < _SIZE_LIMIT:
        return None
    if state > _LAST_STATE[fields.state_bits]:
        return None
    free = bitmap = 0
    if state == ACTIVE:
        if size_class >= CLASS_LIMIT or size_of(size_class) > size:
            return None
        if is_slab:
            unit = size_of(size_class)
            regions = size // unit
            # Regions are smaller than four pages (SC_SMALL_MAXCLASS).
            if unit >= 4 << geometry.page or regions > 1 << region_bits:
                return None
            if address != start:
                return None
            free = bits >> fields.free & (2 << region_bits) - 1
            bitmap = int.from_bytes(data[_BITMAP:], "little") & (1 << regions) - 1
    return Extent(
        descriptor,
        start,
        size,
        address,
        bits & _ARENA,
        state,
        size_class,
        is_slab,
        free,
        bitmap,
    )
