"""What A64 instructions do to a frame (Arm ARM, C4.1 and C6.2)."""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.layout import Flow, FrameLayout, Instruction
from coresnap.analysis.unwind.prologue.words import signed, word_at

__all__ = ["decode_aarch64"]

_FP, _LINK, _SP, _VECTORS = 29, 30, 31, 64
_ZERO_FP = (0xD280001D, 0xAA1F03FD)  # mov x29, #0; mov x29, xzr
_OFFSET, _POST, _PRE = 2, 1, 3
_PLAIN = Instruction(4)


def decode_aarch64(
    code: bytes, position: int, address: int, layout: FrameLayout
) -> Instruction | None:
    """Decode one instruction; see ``Decoder``."""
    word = word_at(code, position, 4)
    if word is None or word >> 16 == 0:  # udf
        return None
    if word in _ZERO_FP and _FP not in layout.saved:
        layout.outermost = True
    elif word & 0x3E000000 == 0x28000000 and word >> 30 in (1, 2):
        _pair(word, layout)
    elif word & 0xFF200000 == 0xF8000000 or word & 0xFFC00000 == 0xF9000000:
        _store(word, layout)
    elif word & 0xFFE00C00 == 0xF8400400 and word >> 5 & 31 == _SP:
        layout.grow(-signed(word >> 12, 9))
    elif word & 0xBF800000 == 0x91000000:
        _add(word, layout)
    elif word & 0xFFE0FFFF == 0xCB2063FF:  # sub sp, sp, xN
        _subtract(word >> 16 & 31, layout)
    elif word & 0x9F800000 == 0x92800000:
        _constant(word, layout)
    else:
        return _flow(word, address)
    return _PLAIN


def _pair(word: int, layout: FrameLayout) -> None:
    """stp and ldp of x or d registers."""
    vector, load, mode = word >> 26 & 1, word >> 22 & 1, word >> 23 & 3
    base, registers = word >> 5 & 31, (word & 31, word >> 10 & 31)
    if vector and word >> 30 == 2:
        return
    offset = 8 * signed(word >> 15, 7)
    if base != _SP:
        if not load and not vector and mode == _OFFSET:
            for index, register in enumerate(registers):
                layout.store(register, base, offset + 8 * index)
        return
    if mode == _PRE:
        layout.grow(-offset)
        offset = 0
    if not load:
        at = 0 if mode == _POST else offset
        for index, register in enumerate(registers):
            number = register + (_VECTORS if vector else 0)
            layout.save_at_stack_pointer(number, at + 8 * index)
    if mode == _POST:
        layout.grow(-offset)


def _store(word: int, layout: FrameLayout) -> None:
    """str xN, with an unsigned, an unscaled or a written-back offset."""
    register, base = word & 31, word >> 5 & 31
    if word >> 24 & 1:
        offset, mode = 8 * (word >> 10 & 0xFFF), 0
    else:
        offset, mode = signed(word >> 12, 9), word >> 10 & 3
    if base != _SP:
        layout.store(register, base, offset)
        return
    if mode == _PRE:
        layout.grow(-offset)
        offset = 0
    layout.save_at_stack_pointer(register, 0 if mode == _POST else offset)
    if mode == _POST:
        layout.grow(-offset)


def _add(word: int, layout: FrameLayout) -> None:
    """add and sub of an immediate."""
    target, source = word & 31, word >> 5 & 31
    size = (word >> 10 & 0xFFF) << (12 if word >> 22 & 1 else 0)
    layout.add(target, source, -size if word >> 30 & 1 else size, _SP)


def _subtract(register: int, layout: FrameLayout) -> None:
    size = layout.constants.get(register)
    if size is None:
        layout.depth = None
    else:
        layout.grow(size)


def _constant(word: int, layout: FrameLayout) -> None:
    """movz, movk, movn of 64 bits; sizes are small, so that movk may be too."""
    register, shift = word & 31, 16 * (word >> 21 & 3)
    value, kind = (word >> 5 & 0xFFFF) << shift, word >> 29 & 3
    if kind == 3:
        value |= layout.constants.get(register, 0)
    layout.constants[register] = ~value if kind == 0 else value


def _flow(word: int, address: int) -> Instruction:
    if word & 0xFFFFFC1F == 0xD65F0000 or word & 0xFFFFFBFF == 0xD65F0BFF:
        return Instruction(4, Flow.RETURN)
    if word & 0xFC000000 == 0x14000000:
        return Instruction(4, Flow.JUMP, address + 4 * signed(word, 26))
    if word & 0xFC000000 == 0x94000000:
        return Instruction(4, Flow.CALL)
    if word == 0xD503201F:
        return Instruction(4, Flow.PAD)
    if word & 0xFFFFFC1F == 0xD61F0000 or word & 0xFFE00000 == 0xD4200000:
        return Instruction(4, Flow.JUMP)
    if word & 0xFE000000 == 0x54000000 or word & 0x7E000000 == 0x34000000:
        return Instruction(4, Flow.BRANCH, address + 4 * signed(word >> 5, 19))
    if word & 0x7E000000 == 0x36000000:
        return Instruction(4, Flow.BRANCH, address + 4 * signed(word >> 5, 14))
    return _PLAIN
