"""Which allocators' heaps are in a core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.heap.heaps import Heap, Heaps

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import CoreFile, LoadedModule
    from coresnap.elfcore.elffile import ElfFile

__all__ = ["find_heaps"]

_WRITABLE = 2
_LEAST_TABLE = 1 << 18
"""Bytes of the smallest table by which one of them finds its memory."""


def find_heaps(
    core: CoreFile, debug_file: Callable[[LoadedModule], ElfFile | None] | None = None
) -> Heaps:
    """All heaps that are found, the program's most special allocator first.

    Nothing of them is walked yet. ``debug_file`` finds a module's separate debug file,
    for its symbols.
    """
    from coresnap.analysis.heap.glibc.find import find_glibc

    glibc = find_glibc(core, debug_file)
    return Heaps((*_special(core), *glibc.heaps), glibc.notes)


def _special(core: CoreFile) -> Iterator[Heap]:
    """Heaps of the allocators that a program can be given instead of its system's.

    Their code is not loaded for a process that has no room for what they need.
    """
    if not core.modules or any(map(_may_have, core.modules)):
        from coresnap.analysis.heap.jemalloc.find import find_jemalloc
        from coresnap.analysis.heap.mimalloc.find import find_mimalloc
        from coresnap.analysis.heap.tcmalloc.find import find_tcmalloc

        for find in (find_jemalloc, find_tcmalloc, find_mimalloc):
            heap = find(core)
            if heap is not None:
                yield heap


def _may_have(module: LoadedModule) -> bool:
    """Whether a module is called like one, or its data has room for a table, as far
    as its headers are there to say so."""
    if "malloc" in module.path.rpartition("/")[2]:
        return True
    headers = module.image or module.elf
    return headers is None or any(
        load.flags & _WRITABLE and load.memsz >= _LEAST_TABLE for load in headers.loads
    )
