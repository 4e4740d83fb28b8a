"""The memory that is searched for pointers: what the process could write, and used.

What lies below the stack pointer of a thread is left of calls that have returned.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.heap.heaps import Heaps
from coresnap.analysis.unwind.stack import Stack
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Mapping

__all__ = ["LiveRegions", "Region"]

_MOST_STACKS = 4096
_MOST_UNUSED = 64 << 20
"""Where more lies below a stack pointer, the mapping is not only a stack."""


class Region(msgspec.Struct, frozen=True):
    """A piece of a mapping."""

    start: int
    end: int


class LiveRegions:
    """The regions of one process."""

    def __init__(
        self, core: CoreFile, stacks: Sequence[Stack], heaps: Heaps | None
    ) -> None:
        starts = _stack_starts(core, stacks, heaps)
        first = [Region(start, mapping.end) for mapping, start in starts.items()]
        self._rest: list[Region] = []
        modules = [module.start for module in core.modules]
        for mapping in core.memory.mappings:
            if "w" not in mapping.permissions or mapping in starts:
                continue
            index = bisect_right(modules, mapping.start) - 1
            inside = index >= 0 and mapping.start < core.modules[index].end
            region = Region(mapping.start, mapping.end)
            (first if inside else self._rest).append(region)
        self._first = first

    def nearest_to(self, address: int) -> list[Region]:
        """Stacks, the crashed thread's first; variables of modules; then the rest,
        that nearest to ``address`` first."""

        def distance(region: Region) -> int:
            return max(region.start - address, address - region.end, 0)

        return [*self._first, *sorted(self._rest, key=distance)]


def _stack_starts(
    core: CoreFile, stacks: Sequence[Stack], heaps: Heaps | None
) -> dict[Mapping, int]:
    """Mappings that are stacks, in the order of threads, and where their used part
    begins. A thread has two, while a handler runs on an alternate one."""
    found: dict[Mapping, int] = {}
    for pointer in itertools.islice(_stack_pointers(core, stacks), _MOST_STACKS):
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
        for handler, interrupted in itertools.pairwise(frames):
            if handler.signal_frame and number in interrupted.registers:
                yield interrupted.registers[number]
