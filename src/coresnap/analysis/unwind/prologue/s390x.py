"""What z/Architecture instructions do to a frame (Principles of Operation, SA22-7832).

By the s390x ELF ABI a caller has a save area for its callee at its stack pointer.
"""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.layout import Flow, FrameLayout, Instruction
from coresnap.analysis.unwind.prologue.words import signed, word_at

__all__ = ["decode_s390x"]

_SP, _LINK = 15, 14
_FLOATS = (16, 20, 17, 21, 18, 22, 19, 23, 24, 28, 25, 29, 26, 30, 27, 31)
"""DWARF numbers of f0 to f15."""


def decode_s390x(
    code: bytes, position: int, address: int, layout: FrameLayout
) -> Instruction | None:
    """Decode one instruction; see ``Decoder``."""
    first = word_at(code, position, 2, "big")
    if not first:
        return None
    size = (2, 4, 4, 6)[first >> 14]
    word = word_at(code, position, size, "big")
    if word is None:
        return None
    if size == 2:
        return _short(first)
    if size == 4:
        return _middle(word, address, layout)
    return _long(word, address, layout)


def _short(half: int) -> Instruction:
    if half & 0xFFF0 == 0x07F0:  # br
        return Instruction(2, Flow.RETURN if half & 15 == _LINK else Flow.JUMP)
    return Instruction(2)


def _middle(word: int, address: int, layout: FrameLayout) -> Instruction:
    register, immediate = word >> 20 & 15, signed(word, 16)
    kind = word >> 16 & 0xFF0F
    if kind == 0xA70B and register == _SP:  # aghi
        layout.grow(-immediate)
    elif kind == 0xA709:  # lghi
        layout.constants[register] = immediate
    elif word >> 24 == 0x41 and word >> 16 & 15 == 0:  # la
        base = word >> 12 & 15
        _address(register, base, word & 0xFFF, layout)
    elif word >> 16 == 0xB904:  # lgr
        _address(word >> 4 & 15, word & 15, 0, layout)
    elif word >> 16 == 0xB908 and word >> 4 & 15 == _SP:  # agr
        _grow_by(word & 15, layout)
    elif word >> 24 == 0x60 and word >> 16 & 15 == 0:  # std
        _store(_FLOATS[register], word >> 12 & 15, word & 0xFFF, layout)
    elif kind == 0xA704:  # brc
        flow = Flow.JUMP if register == 15 else Flow.BRANCH
        return Instruction(4, flow, address + 2 * immediate)
    return Instruction(4)


def _grow_by(register: int, layout: FrameLayout) -> None:
    size = layout.constants.get(register)
    if size is None:
        layout.depth = None
    else:
        layout.grow(-size)


def _address(target: int, base: int, displacement: int, layout: FrameLayout) -> None:
    if target == base == _SP:
        layout.grow(-displacement)
    elif target == _SP:
        layout.set_stack_pointer(base, displacement)
    elif base == _SP:
        layout.set_base(target, displacement)
    else:
        layout.bases.pop(target, None)


def _long(word: int, address: int, layout: FrameLayout) -> Instruction:
    kind = word >> 40 << 8 | word & 0xFF
    first, second, base = word >> 36 & 15, word >> 32 & 15, word >> 28 & 15
    offset = signed((word >> 8 & 0xFF) << 12 | word >> 16 & 0xFFF, 20)
    if kind == 0xEB24:  # stmg
        count = (second - first & 15) + 1
        for index in range(count):
            _store(first + index & 15, base, offset + 8 * index, layout)
    elif kind == 0xE324 and second == 0:  # stg
        _store(first, base, offset, layout)
    elif kind == 0xED67 and second == 0:  # stdy
        _store(_FLOATS[first], base, offset, layout)
    elif kind == 0xE371 and second == 0:  # lay
        _address(first, base, offset, layout)
    elif kind == 0xEB04 and second == _SP:  # lmg, whatever it counts from
        layout.depth = 0
    elif word >> 40 == 0xC2 and second == 8 and first == _SP:  # agfi
        layout.grow(-signed(word, 32))
    elif word >> 40 == 0xC0 and second == 4:  # brcl
        flow = Flow.JUMP if first == 15 else Flow.BRANCH
        return Instruction(6, flow, address + 2 * signed(word, 32))
    elif word >> 40 == 0xEC and word & 0xFF in _COMPARE_AND_BRANCH:
        target = address + 2 * signed(word >> 16, 16)
        return Instruction(6, Flow.BRANCH, target)
    return Instruction(6)


_COMPARE_AND_BRANCH = frozenset((0x64, 0x65, 0x76, 0x77, 0x7C, 0x7D, 0x7E, 0x7F))


def _store(register: int, base: int, offset: int, layout: FrameLayout) -> None:
    if base == _SP:
        layout.save_at_stack_pointer(register, offset)
    else:
        layout.store(register, base, offset)
