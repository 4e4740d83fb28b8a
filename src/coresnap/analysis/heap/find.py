"""Which allocators' heaps are in a core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coresnap.analysis.heap.heaps import Heaps

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import CoreFile, LoadedModule
    from coresnap.elfcore.elffile import ElfFile

__all__ = ["find_heaps"]


def find_heaps(
    core: CoreFile, debug_file: Callable[[LoadedModule], ElfFile | None] | None = None
) -> Heaps:
    """All heaps that are found, the program's most special allocator first.

    Nothing of them is walked yet. ``debug_file`` finds a module's separate debug file,
    for its symbols.
    """
    from coresnap.analysis.heap.glibc.find import find_glibc
    from coresnap.analysis.heap.jemalloc.find import find_jemalloc
    from coresnap.analysis.heap.tcmalloc.find import find_tcmalloc

    special = (find(core) for find in (find_jemalloc, find_tcmalloc))
    glibc = find_glibc(core, debug_file)
    heaps = (heap for heap in special if heap is not None)
    return Heaps((*heaps, *glibc.heaps), glibc.notes)
