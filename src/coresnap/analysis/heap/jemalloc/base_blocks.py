"""Base blocks: the memory that jemalloc keeps its own data in.

``base_structs.h`` (5.0 to 5.2) and ``base.h`` (5.3): a block begins with its size and
the next block, and a descriptor of what is left of it, which belongs to no arena.
"""

from __future__ import annotations

import struct

from coresnap.analysis.heap.jemalloc.layouts import Fields
from coresnap.analysis.heap.jemalloc.size_classes import CLASS_LIMIT
from coresnap.elfcore.memory import Memory

__all__ = ["find_base_block"]

_HUGE_PAGE = 1 << 21
"""Blocks begin at multiples of it, and are multiples of it (HUGEPAGE)."""
_STEPS = 64
"""Huge pages below an address that are looked at: blocks grow as the heap does."""
_HEADER = struct.Struct("<QQQQ")
_NO_ARENA = 0xFFF


def find_base_block(
    memory: Memory, address: int, fields: Fields
) -> tuple[int, int] | None:
    """First address, and first one behind it, of the block that holds ``address``."""
    start = address // _HUGE_PAGE * _HUGE_PAGE
    for _ in range(_STEPS):
        data = memory.read_some(start, _HEADER.size)
        if len(data) < _HEADER.size:
            return None
        size, following, bits, unused = _HEADER.unpack(data)
        state = bits >> fields.state & (1 << fields.state_bits) - 1
        size_class = bits >> fields.size_class & 0xFF
        if (
            size
            and not (size | following) % _HUGE_PAGE
            and (bits & _NO_ARENA, state, size_class) == (_NO_ARENA, 0, CLASS_LIMIT)
            and start < unused <= start + size
        ):
            return (start, start + size) if address < start + size else None
        start -= _HUGE_PAGE
    return None
