"""What T32 (Thumb) instructions do to a frame (Arm ARM for A-profile, F3)."""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.arm import move, pop_registers, push_registers
from coresnap.analysis.unwind.prologue.layout import Flow, FrameLayout, Instruction
from coresnap.analysis.unwind.prologue.words import signed, word_at

__all__ = ["decode_thumb"]

_SP, _LINK, _PC = 13, 14, 15
_DOUBLES = 256
_HALF, _PLAIN = Instruction(2), Instruction(4)


def decode_thumb(
    code: bytes, position: int, address: int, layout: FrameLayout
) -> Instruction | None:
    """Decode one instruction; see ``Decoder``."""
    half = word_at(code, position, 2)
    if half is None:
        return None
    if half >> 11 not in (0x1D, 0x1E, 0x1F):
        return _narrow(half, address, layout)
    second = word_at(code, position + 2, 2)
    return None if second is None else _wide(half, second, address, layout)


def _narrow(half: int, address: int, layout: FrameLayout) -> Instruction:
    if half & 0xFE00 == 0xB400:
        push_registers(half & 0xFF | (half >> 8 & 1) << _LINK, layout)
    elif half & 0xFE00 == 0xBC00:
        pop_registers(half & 0xFF | (half >> 8 & 1) << _PC, layout)
        return Instruction(2, Flow.RETURN if half >> 8 & 1 else Flow.NEXT)
    elif half & 0xFF00 == 0xB000:  # add and sub of sp
        layout.grow(4 * (half & 0x7F) * (1 if half >> 7 & 1 else -1))
    elif half & 0xF800 == 0xA800:  # add rN, sp, #n
        layout.set_base(half >> 8 & 7, 4 * (half & 0xFF))
    elif half & 0xF800 == 0x9000:  # str rN, [sp, #n]
        layout.save_at_stack_pointer(half >> 8 & 7, 4 * (half & 0xFF))
    elif half & 0xFF00 == 0x4600:
        target = half & 7 | (half >> 7 & 1) << 3
        return move(target, half >> 3 & 15, 2, layout)
    elif half & 0xFF00 == 0x3700 and 7 in layout.bases:  # adds r7, #n
        layout.bases[7] += half & 0xFF
    elif half & 0xFF87 == 0x4700:  # bx
        source = half >> 3 & 15
        return Instruction(2, Flow.RETURN if source == _LINK else Flow.JUMP)
    elif half & 0xF800 == 0xE000:
        return Instruction(2, Flow.JUMP, address + 4 + 2 * signed(half, 11))
    elif half & 0xF000 == 0xD000 and half >> 8 & 15 < 14:
        return Instruction(2, Flow.BRANCH, address + 4 + 2 * signed(half, 8))
    elif half & 0xF500 == 0xB100:  # cbz, cbnz
        offset = (half >> 9 & 1) << 6 | (half >> 3 & 31) << 1
        return Instruction(2, Flow.BRANCH, address + 4 + offset)
    return _HALF


def _wide(first: int, second: int, address: int, layout: FrameLayout) -> Instruction:
    if first == 0xE92D:
        push_registers(second, layout)
    elif first == 0xE8BD:
        pop_registers(second, layout)
        return Instruction(4, Flow.RETURN if second >> _PC & 1 else Flow.NEXT)
    elif first == 0xF84D and second & 0x0FFF == 0x0D04:  # str rN, [sp, #-4]!
        push_registers(1 << (second >> 12), layout)
    elif first == 0xF85D and second & 0x0FFF == 0x0B04:  # ldr rN, [sp], #4
        pop_registers(1 << (second >> 12), layout)
        return Instruction(4, Flow.RETURN if second >> 12 == _PC else Flow.NEXT)
    elif first & 0xFBFF in (0xF1AD, 0xF2AD, 0xF10D, 0xF20D):
        _add(first, second, layout)
    elif first & 0xFFBF == 0xED2D and second & 0x0F00 == 0x0B00:
        layout.grow(4 * (second & 0xFE))
        for index in range((second & 0xFF) // 2):
            number = _DOUBLES + (second >> 12) + index
            layout.save_at_stack_pointer(number, 8 * index)
    elif first & 0xFFBF == 0xECBD and second & 0x0F00 == 0x0B00:
        layout.grow(-4 * (second & 0xFE))
    elif first == 0xF8CD:  # str.w rN, [sp, #n]
        layout.save_at_stack_pointer(second >> 12, second & 0xFFF)
    elif first & 0xF800 == 0xF000 and second & 0xD000 == 0x9000:  # b.w
        offset = _offset(first & 0x3FF, 10, first, second)
        return Instruction(4, Flow.JUMP, address + 4 + offset)
    elif first & 0xF800 == 0xF000 and second & 0xD000 == 0x8000 and first >> 7 & 7 != 7:
        offset = (first & 0x3F) << 12 | (second & 0x7FF) << 1
        offset |= (second >> 13 & 1) << 18 | (second >> 11 & 1) << 19
        offset |= (first >> 10 & 1) << 20
        return Instruction(4, Flow.BRANCH, address + 4 + signed(offset, 21))
    elif first & 0xFFF0 == 0xE8D0 and second & 0xFFE0 == 0xF000:  # tbb, tbh
        return Instruction(4, Flow.JUMP)
    return _PLAIN


def _offset(low: int, width: int, first: int, second: int) -> int:
    sign = first >> 10 & 1
    ones = [1 ^ (second >> bit & 1) ^ sign for bit in (13, 11)]
    value = sign << 24 | ones[0] << 23 | ones[1] << 22
    return signed(value | low << 22 - width | (second & 0x7FF) << 1, 25)


def _add(first: int, second: int, layout: FrameLayout) -> None:
    """add and sub of the stack pointer and an immediate."""
    size = (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF
    if first & 0x0200 == 0:
        size = _expanded(size)
    size = -size if first & 0x00A0 == 0x00A0 else size
    target = second >> 8 & 15
    if target == _SP:
        layout.grow(-size)
    else:
        layout.set_base(target, size)


def _expanded(value: int) -> int:
    """ThumbExpandImm: a byte repeated, or eight bits rotated."""
    if value >> 10 == 0:
        byte = value & 0xFF
        return byte * (1, 0x00010001, 0x01000100, 0x01010101)[value >> 8 & 3]
    turn = value >> 7 & 31
    bits = value & 0x7F | 0x80
    return (bits >> turn | bits << 32 - turn) & 0xFFFFFFFF
