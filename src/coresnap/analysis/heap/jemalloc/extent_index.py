"""Extents by address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from coresnap.analysis.heap.jemalloc.extents import Extent

__all__ = ["ExtentIndex"]


class ExtentIndex:
    """Ascending, disjoint extents."""

    def __init__(self, extents: Sequence[Extent]) -> None:
        self.extents = extents
        self._starts = [extent.start for extent in extents]

    def at(self, address: int) -> Extent | None:
        """The extent that holds an address."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.extents[index].end:
            return self.extents[index]
        return None

    def handed_out(self, address: int) -> Extent | None:
        """The extent of which a block begins at ``address``."""
        extent = self.at(address)
        if extent is None:
            return None
        if extent.is_slab:
            return None if (address - extent.start) % extent.unit else extent
        return extent if address == extent.address else None
