"""What RISC-V instructions do to a frame (unprivileged ISA, RV64GC)."""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.layout import Flow, FrameLayout, Instruction
from coresnap.analysis.unwind.prologue.words import signed, word_at

__all__ = ["decode_riscv"]

_LINK, _SP, _FP = 1, 2, 8
_HALF, _PLAIN = Instruction(2), Instruction(4)


def decode_riscv(
    code: bytes, position: int, address: int, layout: FrameLayout
) -> Instruction | None:
    """Decode one instruction; see ``Decoder``."""
    half = word_at(code, position, 2)
    if half is None or half == 0:
        return None
    if half & 3 != 3:
        return _compressed(half, address, layout)
    word = word_at(code, position, 4)
    return None if word is None else _full(word, address, layout)


def _full(word: int, address: int, layout: FrameLayout) -> Instruction:
    opcode, target, source = word & 0x7F, word >> 7 & 31, word >> 15 & 31
    kind, immediate = word >> 12 & 7, signed(word >> 20, 12)
    if opcode == 0x13 and kind == 0:
        _add(target, source, immediate, layout)
    elif opcode == 0x1B and kind == 0 and source in layout.constants:  # addiw
        layout.constants[target] = layout.constants[source] + immediate
    elif opcode == 0x37:
        layout.constants[target] = signed(word & 0xFFFFF000, 32)
    elif opcode == 0x33 and target == _SP and word >> 25 == 0:
        _grow_by(word >> 20 & 31 if source == _SP else source, -1, layout)
    elif opcode == 0x33 and target == _SP and word >> 25 == 0x20:
        _grow_by(word >> 20 & 31, 1, layout)
    elif opcode == 0x23 and kind == 3:  # sd
        offset = signed(word >> 25 << 5 | target, 12)
        _store(word >> 20 & 31, source, offset, layout)
    elif opcode == 0x63:
        offset = (word >> 31) << 12 | (word >> 7 & 1) << 11
        offset |= (word >> 25 & 0x3F) << 5 | (word >> 8 & 15) << 1
        return Instruction(4, Flow.BRANCH, address + signed(offset, 13))
    elif opcode == 0x6F and target == 0:
        offset = (word >> 31) << 20 | (word >> 12 & 0xFF) << 12
        offset |= (word >> 20 & 1) << 11 | (word >> 21 & 0x3FF) << 1
        return Instruction(4, Flow.JUMP, address + signed(offset, 21))
    elif opcode == 0x67 and target == 0:
        return Instruction(4, Flow.RETURN if source == _LINK else Flow.JUMP)
    return _PLAIN


def _add(target: int, source: int, value: int, layout: FrameLayout) -> None:
    if target == source == _SP:
        layout.grow(-value)
    elif source == _SP:
        layout.set_base(target, value)
    elif target == _SP:
        layout.set_stack_pointer(source, value)
    elif source == 0:
        layout.constants[target] = value
        if target == _FP and value == 0 and _FP not in layout.saved:
            layout.outermost = True
    elif target == source and source in layout.constants:
        layout.constants[target] += value
    else:
        layout.bases.pop(target, None)


def _grow_by(register: int, sign: int, layout: FrameLayout) -> None:
    size = layout.constants.get(register)
    if size is None:
        layout.depth = None
    else:
        layout.grow(sign * size)


def _store(register: int, base: int, offset: int, layout: FrameLayout) -> None:
    if base == _SP:
        layout.save_at_stack_pointer(register, offset)
    else:
        layout.store(register, base, offset)


def _compressed(half: int, address: int, layout: FrameLayout) -> Instruction:
    quadrant, kind, register = half & 3, half >> 13, half >> 7 & 31
    immediate = signed((half >> 12 & 1) << 5 | half >> 2 & 31, 6)
    if (quadrant, kind) == (1, 0) and register:  # c.addi
        _add(register, register, immediate, layout)
    elif (quadrant, kind) == (1, 2):  # c.li
        _add(register, 0, immediate, layout)
    elif (quadrant, kind) == (1, 3):
        if register == _SP:  # c.addi16sp
            value = (half >> 12 & 1) << 9 | (half >> 3 & 3) << 7 | (half >> 5 & 1) << 6
            value |= (half >> 2 & 1) << 5 | (half >> 6 & 1) << 4
            layout.grow(-signed(value, 10))
        else:  # c.lui
            layout.constants[register] = immediate << 12
    elif (quadrant, kind) == (0, 0):  # c.addi4spn
        value = (half >> 7 & 15) << 6 | (half >> 11 & 3) << 4
        value |= (half >> 5 & 1) << 3 | (half >> 6 & 1) << 2
        layout.set_base(8 + (half >> 2 & 7), value)
    elif (quadrant, kind) == (2, 7):  # c.sdsp
        layout.save_at_stack_pointer(
            half >> 2 & 31, (half >> 10 & 7) << 3 | (half >> 7 & 7) << 6
        )
    elif (quadrant, kind) == (0, 7):  # c.sd
        offset = (half >> 10 & 7) << 3 | (half >> 5 & 3) << 6
        layout.store(8 + (half >> 2 & 7), 8 + (half >> 7 & 7), offset)
    elif (quadrant, kind) == (2, 4):
        return _register_forms(half, layout)
    elif quadrant == 1 and kind >= 5:
        return _compressed_branch(half, kind, address)
    return _HALF


def _register_forms(half: int, layout: FrameLayout) -> Instruction:
    """c.jr, c.mv, c.jalr, c.add, c.ebreak."""
    target, source = half >> 7 & 31, half >> 2 & 31
    if source == 0:
        if half >> 12 & 1 or target == 0:
            return _HALF
        return Instruction(2, Flow.RETURN if target == _LINK else Flow.JUMP)
    if not half >> 12 & 1:
        _add(target, source, 0, layout)
    elif target == _SP:
        _grow_by(source, -1, layout)
    return _HALF


def _compressed_branch(half: int, kind: int, address: int) -> Instruction:
    if kind == 5:  # c.j
        offset = 0
        for bit, place in zip((12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2), _JUMP, strict=True):
            offset |= (half >> bit & 1) << place
        return Instruction(2, Flow.JUMP, address + signed(offset, 12))
    offset = (half >> 12 & 1) << 8 | (half >> 10 & 3) << 3 | (half >> 5 & 3) << 6
    offset |= (half >> 3 & 3) << 1 | (half >> 2 & 1) << 5
    return Instruction(2, Flow.BRANCH, address + signed(offset, 9))


_JUMP = (11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5)
