"""From a pc and the start of its function to a step, by the function's instructions."""

from __future__ import annotations

import msgspec

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.unwind.prologue.layout import (
    Decoder,
    FrameLayout,
    Realignment,
)
from coresnap.analysis.unwind.prologue.sweep import SWEEP_LIMIT, sweep
from coresnap.analysis.unwind.step import Apply, Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

__all__ = ["compile_layout", "layout_at"]


def _decoder_of(arch: Architecture, thumb: bool) -> Decoder | None:
    """The decoder for a machine's code; None if there is none."""
    # Each is imported where it is needed: a core is of one machine.
    if arch.family == "x86":
        from coresnap.analysis.unwind.prologue.x86 import x86_decoder

        return x86_decoder(wide=arch.name != "i386")
    if arch.family == "aarch64":
        from coresnap.analysis.unwind.prologue.aarch64 import decode_aarch64

        return decode_aarch64
    if arch.family == "arm":
        from coresnap.analysis.unwind.prologue.arm import decode_arm
        from coresnap.analysis.unwind.prologue.thumb import decode_thumb

        return decode_thumb if thumb else decode_arm
    return _rarer_decoder_of(arch)


def _rarer_decoder_of(arch: Architecture) -> Decoder | None:
    if arch.family == "riscv":
        from coresnap.analysis.unwind.prologue.riscv import decode_riscv

        return decode_riscv
    if arch.family == "ppc64":
        from coresnap.analysis.unwind.prologue.ppc64 import ppc64_decoder

        return ppc64_decoder(arch.byte_order)
    if arch.family == "s390x":
        from coresnap.analysis.unwind.prologue.s390x import decode_s390x

        return decode_s390x
    return None


def layout_at(
    arch: Architecture,
    memory: Memory,
    start: int,
    lookup: int,
    *,
    alone: bool = True,
) -> FrameLayout | None:
    """What the function at ``start`` has done to its frame when it comes to ``lookup``.

    Not ``alone``: further functions may begin between the two. None if the code cannot
    be read or is too long, or does not lead there.
    """
    size = lookup - start
    if not 0 <= size < SWEEP_LIMIT:
        return None
    code = memory.read_some(start, size + 16)
    decode = _decoder_of(arch, _is_thumb(code))
    return None if decode is None else sweep(decode, code, start, lookup, alone=alone)


def _is_thumb(code: bytes) -> bool:
    """A32 instructions carry a condition in their highest bits: nearly all "always"."""
    return any(byte >> 4 != 14 for byte in code[3:12:4])


def compile_layout(
    layout: FrameLayout,
    arch: Architecture,
    memory: Memory,
    code_mask: int,
    *,
    certain: bool = True,
) -> Apply:
    """A function that takes a frame with this layout to its caller.

    If it is not ``certain`` where the function begins, a return address of 0 is taken
    for a mistake and not for the end of the stack.
    """
    return _Compiled(layout, arch, memory, code_mask, certain).apply


class _Compiled(msgspec.Struct, eq=False):
    layout: FrameLayout
    arch: Architecture
    memory: Memory
    code_mask: int
    certain: bool

    def apply(self, registers: Registers, full: bool) -> tuple[int, Registers, bool]:
        """See ``Apply``."""
        arch, layout, mask = self.arch, self.layout, self.arch.pointer_mask
        entry = self._entry(registers)
        preserved = arch.callee_saved
        caller = {r: v & mask for r, v in registers.items() if r in preserved}
        if layout.realigned is not None and layout.depth is None:
            origin = self._origin(layout.realigned, registers)
            for register, offset in layout.realigned.saved.items():
                if register in preserved:
                    caller[register] = self.memory.read_word(origin + offset & mask)
        for register, offset in layout.saved.items():
            if register in preserved:
                caller[register] = self.memory.read_word(entry + offset & mask)
        above = entry + arch.stack_slot if arch.return_address_on_stack else entry
        caller[arch.stack_pointer] = above & mask
        found = self._return_address(registers, entry)
        if not found and not self.certain:
            raise ExpressionError("the return address is 0")
        caller[arch.program_counter] = found & self.code_mask
        return above + arch.save_area & mask, caller, False

    def _entry(self, registers: Registers) -> int:
        """The stack pointer at the function's first instruction.

        A frame pointer that points to where its old value was saved is meant as one,
        and right whatever was pushed since.
        """
        arch, layout = self.arch, self.layout
        mask = arch.pointer_mask
        fp, sp = arch.frame_pointer, arch.stack_pointer
        base = layout.bases.get(fp)
        if base is not None and base == layout.saved.get(fp) and fp in registers:
            return registers[fp] - base & mask
        if layout.depth is not None and sp in registers:
            return registers[sp] + layout.depth & mask
        for register, offset in layout.bases.items():
            if register in registers and register in arch.callee_saved:
                return registers[register] - offset & mask
        realigned = layout.realigned
        if realigned is not None and realigned.pointer is not None:
            place, offset = realigned.pointer
            place += self._origin(realigned, registers)
            return self.memory.read_word(place & mask) - offset & mask
        raise ExpressionError("the frame's place is in a register that is lost")

    def _origin(self, realigned: Realignment, registers: Registers) -> int:
        """The rounded address that offsets count from."""
        fp = self.arch.frame_pointer
        if fp not in realigned.bases or fp not in registers:
            raise ExpressionError("the frame's place is in a register that is lost")
        return registers[fp] - realigned.bases[fp]

    def _return_address(self, registers: Registers, entry: int) -> int:
        arch = self.arch
        if arch.return_address_on_stack:
            return self.memory.read_word(entry)
        offset = self.layout.saved.get(arch.return_address)
        if offset is not None:
            return self.memory.read_word(entry + offset & arch.pointer_mask)
        link = registers.get(arch.return_address)
        if link is None:
            raise ExpressionError("the return address is in a lost register")
        return link
