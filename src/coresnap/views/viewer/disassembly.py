"""The instructions around a frame, from the code that the snapshot keeps."""

from __future__ import annotations

import bisect

from coresnap.analysis.instruction.disassembler import (
    Decoded,
    Disassembler,
    open_disassembler,
)
from coresnap.analysis.instruction.library import load_library
from coresnap.elfcore.registers import ARCHITECTURES
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.stack import FrameView

__all__ = ["instructions_around"]

_BEFORE = 64
"""Bytes before the frame's instruction, if its function does not begin in them."""
_AFTER = 48
_SHOWN_BEFORE = 12
_LONGEST = 16
"""Bytes of an instruction, of any architecture."""


def instructions_around(fault: Fault, view: FrameView) -> tuple[Decoded, ...]:
    """Return instructions before, at and behind the frame's pc.

    Empty where the code was not kept, or nobody can read it. Raises
    SnapshotFormatError.
    """
    disassembler = _disassembler(fault.snapshot.architecture)
    pc = view.frame.pc
    kept = _extent(fault, pc)
    if disassembler is None or kept is None:
        return ()
    first = max(kept[0], pc - _BEFORE)
    begins = False
    if view.frame.function_offset is not None:
        begin = pc - view.frame.function_offset
        begins = first <= begin
        first = max(first, begin)
    end = min(kept[1], pc + _AFTER)
    code = fault.stored.read(first, end - first)
    before = _leading_to(disassembler, code, first, pc, begins)
    after = disassembler.sweep(code[pc - first :], pc)
    return (*before[-_SHOWN_BEFORE:], *after)


def _leading_to(
    disassembler: Disassembler, code: bytes, first: int, pc: int, begins: bool
) -> list[Decoded]:
    """The instructions that end where the pc is; code may begin inside of one."""
    starts = range(first, first + 1 if begins else min(pc, first + _LONGEST))
    for start in starts:
        found = list(disassembler.sweep(code[start - first : pc - first], start))
        if found and found[-1].end == pc:
            return found
    return []


def _extent(fault: Fault, address: int) -> tuple[int, int] | None:
    extents = fault.memory.extents
    index = bisect.bisect_right(extents, address, key=lambda one: one.address) - 1
    if index < 0:
        return None
    start, end = extents[index].address, extents[index].address + extents[index].size
    return (start, end) if address < end else None


def _disassembler(name: str) -> Disassembler | None:
    for architecture in ARCHITECTURES:
        if architecture.name == name:
            return open_disassembler(load_library(), architecture)
    return None
