"""The bytes a snapshot keeps: stacks and what the registers point at.

Enough for a hex view around every frame and pointer of the crash, small enough that
a snapshot stays thousands of times smaller than its core. The strings of arguments and
environment, at the end of the first thread's stack, stay behind: which of them may be
kept is a matter of the settings, and those are among the assets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coresnap.analysis.unwind.stack import Stack
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import MemoryRange

__all__ = ["retained_memory"]

_CRASHED_STACK = 64 * 1024
_OTHER_STACK = 4 * 1024
_BELOW_STACK_POINTER = 256
_AROUND_REGISTER = 256
_MOST_BYTES = 16 * 1024 * 1024
_AT_RANDOM = 25
_RANDOM_SIZE = 16


def retained_memory(core: CoreFile, stacks: Sequence[Stack]) -> tuple[MemoryRange, ...]:
    """Read the ranges worth keeping; ascending, disjoint, at most 16 MiB."""
    ranges: list[MemoryRange] = []
    room = _MOST_BYTES
    for start, end in _without(_merge(_wanted(core, stacks)), _words(core)):
        for address, data in core.memory.read_pieces(start, end):
            ranges.append(MemoryRange(address, data[:room]))
            room -= len(ranges[-1].data)
            if room <= 0:
                return tuple(ranges)
    return tuple(ranges)


def _wanted(core: CoreFile, stacks: Sequence[Stack]) -> Iterable[tuple[int, int]]:
    """Spans to keep, most wanted first."""
    architecture = core.architecture
    for index, thread in enumerate(core.threads):
        stack_pointer = thread.registers.get(architecture.stack_pointer)
        if stack_pointer is None:
            continue
        most = _OTHER_STACK if index else _CRASHED_STACK
        below = max(0, stack_pointer - _BELOW_STACK_POINTER)
        yield from _inside(core, below, stack_pointer + most)
    if not core.threads:
        return
    for value in core.threads[0].registers.values():
        if value < 1 << (8 * architecture.pointer_size):
            start = max(0, value - _AROUND_REGISTER // 2)
            yield from _inside(core, start, start + _AROUND_REGISTER)


def _inside(core: CoreFile, start: int, end: int) -> Iterable[tuple[int, int]]:
    """Cut a span to the mapping that holds it, so that neighbours stay out."""
    for at in (start, (start + end) // 2):
        mapping = core.memory.find_mapping(at)
        if mapping is not None:
            yield max(start, mapping.start), min(end, mapping.end)
            return


def _words(core: CoreFile) -> tuple[int, int]:
    """Where the kernel has put the strings that the program was started with.

    They are all that is above the bytes of AT_RANDOM (Linux ``fs/binfmt_elf.c``,
    ``create_elf_tables``, which puts them on the stack last).
    """
    random = core.auxv.get(_AT_RANDOM)
    mapping = core.memory.find_mapping(random) if random else None
    if random is None or mapping is None:
        return 0, 0
    return random + _RANDOM_SIZE, mapping.end


def _without(
    spans: Iterable[tuple[int, int]], left_out: tuple[int, int]
) -> Iterable[tuple[int, int]]:
    for start, end in spans:
        for part in ((start, min(end, left_out[0])), (max(start, left_out[1]), end)):
            if part[0] < part[1]:
                yield part


def _merge(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
