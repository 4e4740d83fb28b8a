"""Whether a process uses mimalloc 2.0, and where its data is."""

from __future__ import annotations

import os.path

from coresnap.analysis.heap.heaps import Heap
from coresnap.analysis.heap.mimalloc.heap import Discovery, MimallocHeap
from coresnap.analysis.heap.mimalloc.segments import find_segments, read_pages
from coresnap.analysis.heap.module_memory import anonymous_memory, threads_inside
from coresnap.analysis.heap.unread import find_unread
from coresnap.analysis.thread_local import THREAD_POINTERS
from coresnap.elfcore.corefile import CoreFile

__all__ = ["find_mimalloc"]

_LEAST_MAPPING = 1 << 16


def find_mimalloc(core: CoreFile) -> Heap | None:
    """The heap of mimalloc 2.0 in a core; None if nothing of it is there."""
    if core.memory.pointer_size == 8 and core.memory.byte_order == "little":
        segments = find_segments(core.memory, anonymous_memory(core, _LEAST_MAPPING))
        if any(next(read_pages(core.memory, one), None) for one in segments):
            name = THREAD_POINTERS.get(core.architecture.name, "")
            number = core.architecture.numbers.get(name, -1)
            threads = {t.registers.get(number, 0): t.tid for t in core.threads}
            return MimallocHeap(
                Discovery(core.memory, segments, threads, _working(core))
            )
    return find_unread(
        core,
        "mimalloc",
        b"mi_malloc",
        "the core does not show segments of mimalloc 2.0: nothing was allocated, its"
        " memory is not there, its lists are encoded, or it is another version",
    )


def _working(core: CoreFile) -> frozenset[int]:
    """Threads inside mimalloc: its library, or the program that it is linked into."""
    libraries = [m for m in core.modules if "mimalloc" in os.path.basename(m.path)]
    executable = core.executable
    if not libraries and executable is not None:
        libraries = [executable]
    return frozenset(t for module in libraries for t in threads_inside(core, module))
