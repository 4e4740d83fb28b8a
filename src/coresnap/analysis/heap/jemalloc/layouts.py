"""Where jemalloc's versions keep what is read here, as data.

``e_bits`` of an extent from ``extent_structs.h`` (5.0.0, 5.1.0, 5.2.1) and ``edata.h``
(5.3.0); the radix tree from ``rtree.h`` of the same. All of 64-bit systems, little
endian: 32-bit ones have other widths.
"""

from __future__ import annotations

import msgspec

__all__ = ["FIELDS", "GEOMETRIES", "Fields", "Geometry"]


class Fields(msgspec.Struct, frozen=True):
    """Bit numbers in ``e_bits``. The arena's index and the slab flag never moved."""

    version: str
    state: int
    state_bits: int
    size_class: int
    free: int
    """How many of a slab's regions are free: the lowest bit."""
    has_states: bool
    """The tree has a copy of an extent's state."""


FIELDS = (
    Fields("5.3", state=17, state_bits=3, size_class=20, free=28, has_states=True),
    Fields("5.1–5.2", state=16, state_bits=2, size_class=18, free=26, has_states=False),
    Fields("5.0", state=15, state_bits=2, size_class=17, free=25, has_states=False),
)


class Geometry(msgspec.Struct, frozen=True):
    """A radix tree: the build chooses by the widths of addresses and pages."""

    levels: tuple[int, ...]
    """Bits of an address that each level decides, the root first."""
    page: int
    """Bits below: log2 of jemalloc's page."""
    element: int
    """Bytes of an entry of the last level: 8 if it is packed into one word."""

    @property
    def root_size(self) -> int:
        """Bytes of the root."""
        return 8 << self.levels[0]

    @property
    def leaf_size(self) -> int:
        """Bytes of one table of the last level."""
        return self.element << self.levels[-1]


GEOMETRIES = (
    Geometry((18, 18), 12, 8),
    Geometry((15, 15, 15), 12, 16),
    Geometry((16, 16), 16, 8),
    Geometry((17, 17, 18), 12, 16),
)
"""48-bit addresses; 57 bits (built on a machine that has them); 64-KiB pages;
64 bits, where configure does not know."""
