"""What Power instructions do to a frame (Power ISA 3.1, book I; ELF V2 ABI 2.2)."""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.layout import (
    Decoder,
    Flow,
    FrameLayout,
    Instruction,
)
from coresnap.analysis.unwind.prologue.words import signed, word_at
from coresnap.elfcore.elfheader import ByteOrder

__all__ = ["ppc64_decoder"]

_SP, _LINK = 1, 65
_PLAIN = Instruction(4)
_FROM_LINK = 0x7C0802A6
"""mflr r0; the register is in bits 21 to 25."""
_ADDI, _ADDIS, _BRANCH, _CONDITIONAL, _OTHER, _STD = 14, 15, 18, 16, 31, 62


def ppc64_decoder(order: ByteOrder) -> Decoder:
    """A decoder for code of this byte order."""

    def decode(
        code: bytes, position: int, address: int, layout: FrameLayout
    ) -> Instruction | None:
        word = word_at(code, position, 4, order)
        return None if not word else _decode(word, address, layout)

    return decode


def _decode(word: int, address: int, layout: FrameLayout) -> Instruction:
    opcode, target, source = word >> 26, word >> 21 & 31, word >> 16 & 31
    immediate = signed(word, 16)
    if word & 0xFC1FFFFF == _FROM_LINK:
        # The link register's value, until it is stored, goes by this register's name.
        layout.constants[target] = _LINK
    elif opcode == _STD:
        _store(target, source, signed(word & 0xFFFC, 16), word & 3, layout)
    elif opcode == _ADDI:
        _add(target, source, immediate, layout)
    elif opcode == _ADDIS and source == 0:
        layout.constants[target] = immediate << 16
    elif opcode == 24 and target == source and target in layout.constants:  # ori
        layout.constants[target] |= word & 0xFFFF
    elif opcode == _OTHER and word & 0x7FF == 0x16A and source == _SP:  # stdux
        size = layout.constants.get(word >> 11 & 31)
        if size is None:
            layout.depth = None
        else:
            layout.grow(-size)
    elif word & 0xFC0007FE == 0x7C000378 and word >> 11 & 31 == target:  # mr
        # The stored register's field stands first here: "target" is the origin.
        _move(target, source, layout)
    elif word == 0x4E800020:
        return Instruction(4, Flow.RETURN)
    elif word == 0x4E800420:
        return Instruction(4, Flow.JUMP)
    elif opcode == _BRANCH and not word & 1:
        return Instruction(4, Flow.JUMP, address + signed(word & 0x3FFFFFC, 26))
    elif opcode == _CONDITIONAL and not word & 1:
        return Instruction(4, Flow.BRANCH, address + signed(word & 0xFFFC, 16))
    return _PLAIN


def _store(
    register: int, base: int, offset: int, form: int, layout: FrameLayout
) -> None:
    """std, and stdu of the stack pointer that makes the frame and its back chain."""
    if form == 1 and register == base == _SP:
        layout.grow(-offset)
    elif form == 0:
        if layout.constants.get(register) == _LINK:
            register = _LINK
        if base == _SP:
            layout.save_at_stack_pointer(register, offset)
        else:
            layout.store(register, base, offset)


def _add(target: int, source: int, value: int, layout: FrameLayout) -> None:
    if target == source == _SP:
        layout.grow(-value)
    elif target == _SP:
        layout.set_stack_pointer(source, value)
    elif source == _SP:
        layout.set_base(target, value)
    elif source == 0:
        layout.constants[target] = value
    else:
        layout.bases.pop(target, None)


def _move(origin: int, destination: int, layout: FrameLayout) -> None:
    if origin == _SP:
        layout.set_base(destination, 0)
    elif destination == _SP:
        layout.set_stack_pointer(origin, 0)
    else:
        layout.bases.pop(destination, None)
