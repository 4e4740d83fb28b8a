"""The memory that is searched for pointers: what the process could write, and used.

What lies below the stack pointer of a thread is left of calls that have returned.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from coresnap.analysis.heap.heaps import Heaps
from coresnap.analysis.unwind.stack import Stack
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Mapping

__all__ = ["Region", "live_regions"]

_MOST_UNUSED = 64 << 20
"""Where more lies below a stack pointer, the mapping is not only a stack."""


class Region(msgspec.Struct, frozen=True):
    """A piece of a mapping."""

    start: int
    end: int


def live_regions(
    core: CoreFile, stacks: Sequence[Stack], heaps: Heaps | None, near: int
) -> tuple[Region, ...]:
    """Stacks, the crashed thread's first; variables of modules; then the rest, that
    nearest to the address ``near`` first."""
    starts = _stack_starts(core, stacks, heaps)
    of_modules: list[Mapping] = []
    rest: list[Mapping] = []
    modules = [module.start for module in core.modules]
    for mapping in core.memory.mappings:
        if "w" in mapping.permissions and mapping not in starts:
            index = bisect_right(modules, mapping.start) - 1
            inside = index >= 0 and mapping.start < core.modules[index].end
            (of_modules if inside else rest).append(mapping)
    rest.sort(key=lambda mapping: _distance(mapping, near))
    ordered = (*starts, *of_modules, *rest)
    return tuple(Region(starts.get(m, m.start), m.end) for m in ordered)


def _stack_starts(
    core: CoreFile, stacks: Sequence[Stack], heaps: Heaps | None
) -> dict[Mapping, int]:
    """Mappings that are stacks, in the order of threads, and where their used part
    begins. A thread has two, while a handler runs on an alternate one."""
    found: dict[Mapping, int] = {}
    for pointer in _stack_pointers(core, stacks):
        mapping = core.memory.find_mapping(pointer)
        if mapping is None or "w" not in mapping.permissions:
            continue
        # Not the red zone: in a function that has called others it is dead, too.
        start = pointer
        if start - mapping.start > _MOST_UNUSED:
            start = mapping.start
        elif heaps is not None and heaps.place(pointer) is not None:
            # The stack of a coroutine is a block among others.
            start = mapping.start
        found[mapping] = min(found.get(mapping, start), start)
    return found


def _stack_pointers(core: CoreFile, stacks: Sequence[Stack]) -> Iterator[int]:
    """Of each thread, and of what a signal interrupted in it."""
    number = core.architecture.stack_pointer
    for index, thread in enumerate(core.threads):
        if number in thread.registers:
            yield thread.registers[number]
        frames = stacks[index].frames if index < len(stacks) else ()
        for handler, interrupted in pairwise(frames):
            if handler.signal_frame and number in interrupted.registers:
                yield interrupted.registers[number]


def _distance(mapping: Mapping, near: int) -> int:
    return max(mapping.start - near, near - mapping.end, 0)
