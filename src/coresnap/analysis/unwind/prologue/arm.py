"""What A32 instructions do to a frame (Arm ARM for A-profile, F4)."""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.layout import Flow, FrameLayout, Instruction
from coresnap.analysis.unwind.prologue.words import signed, word_at

__all__ = ["decode_arm", "move", "pop_registers", "push_registers"]

_SP, _LINK, _PC = 13, 14, 15
_PLAIN = Instruction(4)
_DOUBLES = 256
"""DWARF number of d0."""


def decode_arm(
    code: bytes, position: int, address: int, layout: FrameLayout
) -> Instruction | None:
    """Decode one instruction; see ``Decoder``. A condition is taken for true."""
    word = word_at(code, position, 4)
    if word is None:
        return None
    target, source = word >> 12 & 15, word >> 16 & 15
    if word & 0x0FFF0000 == 0x092D0000:
        push_registers(word & 0xFFFF, layout)
    elif word & 0x0FFF0000 == 0x08BD0000:
        return _pop(word, layout)
    elif word & 0x0FFF0FFF == 0x052D0004:  # str rN, [sp, #-4]!
        push_registers(1 << target, layout)
    elif word & 0x0FFF0FFF == 0x049D0004:  # ldr rN, [sp], #4
        return _pop(1 << target | word & 0xF0000000, layout)
    elif word & 0x0FE00000 in (0x02400000, 0x02800000):
        _add(word, target, source, layout)
    elif word & 0x0FEF0FF0 == 0x01A00000:
        return move(target, word & 15, 4, layout)
    elif word & 0x0FBF0F00 == 0x0D2D0B00:  # vpush of doubles
        _push_doubles(word >> 12 & 15, (word & 0xFF) // 2, layout)
    elif word & 0x0FBF0F00 == 0x0CBD0B00:
        layout.grow(-4 * (word & 0xFE))
    elif word & 0x0FF00000 in (0x05800000, 0x05000000):  # str rN, [rM, #±n]
        offset = (word & 0xFFF) * (1 if word >> 23 & 1 else -1)
        _store(target, source, offset, layout)
    else:
        return _flow(word, address)
    return _PLAIN


def push_registers(mask: int, layout: FrameLayout) -> None:
    """stmdb sp!: the lowest register is at the lowest address."""
    registers = [number for number in range(16) if mask >> number & 1]
    layout.grow(4 * len(registers))
    for index, register in enumerate(registers):
        layout.save_at_stack_pointer(register, 4 * index)


def pop_registers(mask: int, layout: FrameLayout) -> None:
    """ldmia sp!."""
    layout.grow(-4 * mask.bit_count())
    for number in range(16):
        if mask >> number & 1:
            layout.bases.pop(number, None)


def _pop(word: int, layout: FrameLayout) -> Instruction:
    pop_registers(word & 0xFFFF, layout)
    returns = word >> _PC & 1 and word >> 28 == 14
    return Instruction(4, Flow.RETURN) if returns else _PLAIN


def _push_doubles(first: int, count: int, layout: FrameLayout) -> None:
    layout.grow(8 * count)
    for index in range(count):
        layout.save_at_stack_pointer(_DOUBLES + first + index, 8 * index)


def _add(word: int, target: int, source: int, layout: FrameLayout) -> None:
    """add and sub of a rotated immediate."""
    value, turn = word & 0xFF, (word >> 8 & 15) * 2
    size = (value >> turn | value << 32 - turn) & 0xFFFFFFFF if turn else value
    layout.add(target, source, -size if word & 0x00C00000 == 0x00400000 else size, _SP)


def move(target: int, source: int, size: int, layout: FrameLayout) -> Instruction:
    """mov between registers, by an instruction of ``size`` bytes."""
    if target == _PC:
        return Instruction(size, Flow.RETURN if source == _LINK else Flow.JUMP)
    if target == _SP:
        layout.set_stack_pointer(source, 0)
    elif source == _SP:
        layout.set_base(target, 0)
    else:
        layout.bases.pop(target, None)
    return Instruction(size)


def _store(register: int, base: int, offset: int, layout: FrameLayout) -> None:
    if base == _SP:
        layout.save_at_stack_pointer(register, offset)
    else:
        layout.store(register, base, offset)


def _flow(word: int, address: int) -> Instruction:
    always = word >> 28 == 14
    if word & 0x0FFFFFF0 == 0x012FFF10 and always:  # bx
        return Instruction(4, Flow.RETURN if word & 15 == _LINK else Flow.JUMP)
    if word & 0x0F000000 == 0x0A000000 and word >> 28 != 15:
        target = address + 8 + 4 * signed(word, 24)
        return Instruction(4, Flow.JUMP if always else Flow.BRANCH, target)
    return _PLAIN
