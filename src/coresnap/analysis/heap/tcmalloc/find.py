"""Whether a process uses gperftools' tcmalloc, and where its data is."""

from __future__ import annotations

from coresnap.analysis.heap.heaps import Heap
from coresnap.analysis.heap.module_memory import (
    anonymous_memory,
    module_data,
    thread_data,
    threads_inside,
)
from coresnap.analysis.heap.tcmalloc.heap import Discovery, TcmallocHeap
from coresnap.analysis.heap.tcmalloc.page_map import (
    LEAST_LEAF,
    LEAST_ROOT,
    PageMap,
    find_page_map,
)
from coresnap.analysis.heap.tcmalloc.thread_caches import read_thread_cache
from coresnap.analysis.heap.unread import find_unread
from coresnap.elfcore.corefile import CoreFile, LoadedModule

__all__ = ["find_tcmalloc"]


def find_tcmalloc(core: CoreFile) -> Heap | None:
    """The heap of gperftools' tcmalloc in a core; None if nothing of it is there."""
    if core.memory.pointer_size == 8 and core.memory.byte_order == "little":
        targets = anonymous_memory(core, LEAST_LEAF)
        for module in core.modules if targets else ():
            pages = find_page_map(core.memory, module_data(module, LEAST_ROOT), targets)
            if pages is not None:
                return _heap(core, module, pages)
    return find_unread(
        core,
        "tcmalloc",
        b"tc_malloc",
        "the core does not show a heap as gperftools' tcmalloc lays it out: nothing was"
        " allocated, its memory is not there, or it is another tcmalloc",
    )


def _heap(core: CoreFile, module: LoadedModule, pages: PageMap) -> TcmallocHeap:
    found = (
        read_thread_cache(core.memory, tid, data)
        for tid, data in thread_data(core, module)
    )
    return TcmallocHeap(
        Discovery(
            core.memory,
            pages,
            tuple(cache for cache in found if cache is not None),
            threads_inside(core, module),
        )
    )
