"""The bytes a snapshot keeps: stacks, and what registers and variables point at.

Enough for a hex view around every frame and pointer of the crash, small enough that
a snapshot stays thousands of times smaller than its core. What matters most is taken
first; what does not fit a budget is told. The strings of arguments and environment, at
the end of the first thread's stack, stay behind: which of them may be kept is a matter
of the settings, and those are among the assets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Dropped, MemoryRange

__all__ = ["RetainedMemory", "Span", "retained_memory"]

Span = tuple[int, int]
"""Address, and bytes from it on."""

_CRASHED_STACK = 64 * 1024
_OTHER_STACK = 4 * 1024
_BELOW_STACK_POINTER = 256
_AROUND_REGISTER = 256
_AROUND_VALUE = 32
"""Bytes before and after what a variable was read from: what an overrun touches, and
the allocator's header."""

_MIB = 1 << 20


class RetainedMemory(msgspec.Struct, frozen=True):
    """What is kept, ascending and disjoint, and what was left out."""

    ranges: tuple[MemoryRange, ...]
    dropped: tuple[Dropped, ...]


class _Wish(msgspec.Struct, frozen=True):
    """Spans that are wanted for one reason, as (start, end), most wanted first."""

    what: str
    spans: Iterable[Span]
    budget: int


def retained_memory(
    core: CoreFile,
    crashed: Sequence[Span],
    others: Sequence[Span],
    fault: Sequence[Span] = (),
) -> RetainedMemory:
    """Read the ranges worth keeping, at most 14.25 MiB.

    ``crashed`` is the memory that the crashed thread's variables were read from,
    ``others`` that of everything else; ``fault`` is what the fault and its aliases
    are about.
    """
    wishes = (
        _Wish("the memory of the fault", _exactly(fault), _MIB // 4),
        _Wish("the crashed thread's stack", _stack(core, 0, _CRASHED_STACK), 2 * _MIB),
        _Wish("around registers", _around_registers(core), _MIB),
        _Wish("behind the crashed thread's variables", _around(crashed), 2 * _MIB),
        _Wish("other threads' stacks", _other_stacks(core), 8 * _MIB),
        _Wish("behind other variables", _around(others), _MIB),
    )
    words = _words(core)
    taken: list[Span] = []
    dropped: list[Dropped] = []
    for wish in wishes:
        wanted = [*_outside(wish.spans, words)]
        granted, left_out = _within(wanted, wish.budget)
        taken.extend(granted)
        if left_out:
            reason = f"{wish.what}: more than {wish.budget / _MIB:g} MiB"
            dropped.append(Dropped("memory", left_out, reason))
    ranges = (
        MemoryRange(address, data)
        for start, end in _merge(taken)
        for address, data in core.memory.read_pieces(start, end)
    )
    return RetainedMemory(tuple(ranges), tuple(dropped))


def _stack(core: CoreFile, index: int, most: int) -> Iterator[Span]:
    if index >= len(core.threads):
        return
    registers = core.threads[index].registers
    stack_pointer = registers.get(core.architecture.stack_pointer)
    if stack_pointer is not None:
        below = max(0, stack_pointer - _BELOW_STACK_POINTER)
        yield from _inside(core, below, stack_pointer + most)


def _other_stacks(core: CoreFile) -> Iterator[Span]:
    for index in range(1, len(core.threads)):
        yield from _stack(core, index, _OTHER_STACK)


def _around_registers(core: CoreFile) -> Iterator[Span]:
    values = list(core.threads[0].registers.values()) if core.threads else []
    if core.signal is not None and core.signal.address is not None:
        values.insert(0, core.signal.address)
    for value in values:
        if 0 <= value < 1 << (8 * core.architecture.pointer_size):
            start = max(0, value - _AROUND_REGISTER // 2)
            yield from _inside(core, start, start + _AROUND_REGISTER)


def _around(visited: Sequence[Span]) -> Iterator[Span]:
    for address, size in visited:
        yield max(0, address - _AROUND_VALUE), address + size + _AROUND_VALUE


def _exactly(visited: Sequence[Span]) -> Iterator[Span]:
    for address, size in visited:
        yield address, address + size


def _inside(core: CoreFile, start: int, end: int) -> Iterator[Span]:
    """Cut a span to the mapping that holds it, so that neighbours stay out."""
    for at in (start, (start + end) // 2):
        mapping = core.memory.find_mapping(at)
        if mapping is not None:
            yield max(start, mapping.start), min(end, mapping.end)
            return


def _words(core: CoreFile) -> Span:
    """The strings that the program was started with, up to the end of its stack."""
    places = core.facts.start
    start = places.strings
    if start is None and places.ps_strings is not None:
        from coresnap.elfcore.freebsd_strings import first_string

        start = first_string(core.memory, places.ps_strings)
    mapping = core.memory.find_mapping(start) if start else None
    if start is None or mapping is None:
        return 0, 0
    return start, mapping.end


def _outside(spans: Iterable[Span], left_out: Span) -> Iterator[Span]:
    for start, end in spans:
        for part in ((start, min(end, left_out[0])), (max(start, left_out[1]), end)):
            if part[0] < part[1]:
                yield part


def _within(spans: Sequence[Span], budget: int) -> tuple[list[Span], int]:
    """The first spans that fit, and the bytes of the others."""
    if sum(end - start for start, end in spans) <= budget:
        return list(spans), 0
    granted: list[Span] = []
    left_out = 0
    seen: set[Span] = set()
    for start, end in spans:
        if (start, end) in seen:
            continue
        seen.add((start, end))
        take = min(end - start, budget)
        if take:
            granted.append((start, start + take))
        budget -= take
        left_out += end - start - take
    return granted, left_out


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
