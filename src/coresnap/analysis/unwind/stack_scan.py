"""Looks for the caller among the words of the stack, and weighs what it finds.

A word may be a return address if a call stands before it. Old ones lie about in frames
that do not fill their locals, so each is tried: the better one is whose call leads to
the function in question, and from which call frame information leads on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import msgspec

from coresnap.analysis.unwind.call_site import call_before
from coresnap.analysis.unwind.step import Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

__all__ = ["scan_stack"]

_SCAN_WORDS = 4096
_CANDIDATE_LIMIT = 32
_SURE = 3
"""Points with which the search ends."""
_REACHES_US, _REACHES_ANOTHER = 6, -2


class _Candidate(msgspec.Struct, frozen=True, eq=False):
    address: int
    """Where it lies."""
    value: int


def scan_stack(
    registers: Registers,
    arch: Architecture,
    memory: Memory,
    *,
    plausible: Callable[[int], bool],
    span: tuple[int, int],
    function: int | None,
    ahead: Callable[[Registers], int],
    code_mask: int,
    least: int = 0,
) -> Registers | None:
    """The registers of the best candidate, the lowest of equal ones; None if none is.

    ``span`` bounds the addresses of code. ``function`` is where the function that was
    called begins, None if nobody knows; ``ahead`` says how far a candidate leads on,
    in points, of which it needs the ``least``.
    """
    best, most = None, least - 1
    for candidate in _candidates(registers, arch, memory, span, plausible):
        caller = _caller(candidate, registers, arch, memory, code_mask)
        if caller[arch.stack_pointer] <= registers.get(arch.stack_pointer, 0):
            continue
        points = ahead(caller)
        call = call_before(candidate.value, arch, memory)
        if function is not None and call is not None and call.target is not None:
            us = call.target & ~1 == function & ~1
            points += _REACHES_US if us else _REACHES_ANOTHER
        if points > most:
            best, most = caller, points
        if points >= max(_SURE, least):
            break
    return best


def _candidates(
    registers: Registers,
    arch: Architecture,
    memory: Memory,
    span: tuple[int, int],
    plausible: Callable[[int], bool],
) -> Iterator[_Candidate]:
    word = arch.pointer_size
    sp = registers.get(arch.stack_pointer, 0)
    start = -(-sp // word) * word
    data = memory.read_some(start, _SCAN_WORDS * word)
    count = len(data) // word
    order = ">" if arch.byte_order == "big" else "<"
    words = struct.unpack_from(f"{order}{count}{'Q' if word == 8 else 'I'}", data)
    first, last = span
    mask = (1 << 48) - 1 if arch.family == "aarch64" else arch.pointer_mask
    found = 0
    for index, value in enumerate(words):
        if first <= value & mask < last and plausible(value & mask):
            yield _Candidate(start + index * word, value & mask)
            found += 1
            if found >= _CANDIDATE_LIMIT:
                return


def _caller(
    candidate: _Candidate,
    registers: Registers,
    arch: Architecture,
    memory: Memory,
    code_mask: int,
) -> Registers:
    """Registers if the candidate is right: where it lies tells the stack pointer."""
    address, slot = candidate.address, arch.stack_slot
    sp, fp = address + slot, registers.get(arch.frame_pointer, 0)
    if arch.family == "aarch64":
        # The return address is saved behind the caller's frame pointer, which points to
        # the bottom of the caller's frame.
        below = _word(memory, address - 8)
        if below > address and _same_mapping(memory, address, below):
            sp = fp = below
    elif arch.family == "s390x":
        # r15 is saved behind r14.
        above = _word(memory, address + 8)
        sp = above if above == address - 112 else sp
    elif arch.family == "ppc64":
        sp = address - 16
    caller = {arch.program_counter: candidate.value & code_mask, arch.stack_pointer: sp}
    # Most functions between here and there did not touch it, or restored it.
    if fp >= sp and _same_mapping(memory, sp, fp):
        caller[arch.frame_pointer] = fp
    return caller


def _word(memory: Memory, address: int) -> int:
    data = memory.read_some(address, memory.pointer_size)
    if len(data) < memory.pointer_size:
        return 0
    return int.from_bytes(data, memory.byte_order)


def _same_mapping(memory: Memory, first: int, second: int) -> bool:
    mapping = memory.find_mapping(first)
    return mapping is not None and mapping.start <= second < mapping.end
