"""Which allocators' heaps are in a core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.analysis.heap.heaps import Heaps

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import CoreFile

__all__ = ["find_heaps"]


def find_heaps(core: CoreFile) -> Heaps:
    """All heaps that are found, the program's most special allocator first."""
    from coresnap.analysis.heap.jemalloc.find import find_jemalloc

    found = (find(core) for find in (find_jemalloc,))
    return Heaps(tuple(heap for heap in found if heap is not None))
