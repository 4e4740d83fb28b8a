"""Constant arguments of a call, from the instructions that lead to it.

Texts and line numbers that a caller passes are constants in its code: they can be read
there long after the registers that held them are gone. Decoded is what compilers make
of constants, no more: on x86-64 ``lea reg, [rip + d]`` and ``mov reg, imm32``, on
aarch64 ``adrp``/``adr``, ``add``, ``mov``. Instruction formats: Intel SDM volume 2, Arm
Architecture Reference Manual C6.
"""

from __future__ import annotations

from coresnap.elfcore.memory import Memory

__all__ = ["constant_arguments"]

_REACH = 96
"""Bytes before the call."""
_PAGE = 4096
# ModR/M register number to argument index: rdi, rsi, rdx, rcx.
_X86_ORDER = {7: 0, 6: 1, 2: 2, 1: 3}
_RAX = 0


def constant_arguments(
    memory: Memory, architecture: str, return_address: int
) -> dict[int, int]:
    """Index of an argument to its value, of those that are constants.

    Empty for architectures that are not known and where the code is not there.
    """
    start = return_address - _REACH
    code = memory.read_some(start, _REACH)
    if len(code) < _REACH:
        return {}
    if architecture == "x86-64":
        return _x86(code, start)
    if architecture == "aarch64" and memory.byte_order == "little":
        return _aarch64(code, start)
    return {}


def _x86(code: bytes, start: int) -> dict[int, int]:
    """The nearest to the call wins: instructions have no fixed places to look at."""
    found: dict[int, int] = {}
    for at in range(len(code) - 7):
        if code[at] == 0x48 and code[at + 1] == 0x8D and code[at + 2] & 0xC7 == 0x05:
            register = code[at + 2] >> 3 & 7
            offset = int.from_bytes(code[at + 3 : at + 7], "little", signed=True)
            value = start + at + 7 + offset
            if register == _RAX:
                register = _moved_from_rax(code, at + 7)
            if register in _X86_ORDER:
                found[_X86_ORDER[register]] = value
        elif code[at] & 0xF8 == 0xB8 and code[at] & 7 in _X86_ORDER:
            value = int.from_bytes(code[at + 1 : at + 5], "little")
            found[_X86_ORDER[code[at] & 7]] = value
    return found


def _moved_from_rax(code: bytes, at: int) -> int:
    """``mov reg, rax`` behind it: what unoptimised code does."""
    move = code[at : at + 3]
    if len(move) == 3 and move[:2] == b"\x48\x89" and move[2] & 0xF8 == 0xC0:
        return move[2] & 7
    return -1


def _aarch64(code: bytes, start: int) -> dict[int, int]:
    registers: dict[int, int] = {}
    for at in range(0, len(code), 4):
        word = int.from_bytes(code[at : at + 4], "little")
        target = word & 31
        if word & 0x9F000000 == 0x90000000:
            base = (start + at) & ~(_PAGE - 1)
            registers[target] = base + _page_offset(word) * _PAGE
        elif word & 0x9F000000 == 0x10000000:
            registers[target] = start + at + _page_offset(word)
        elif word & 0xFF800000 == 0x91000000 and word >> 5 & 31 in registers:
            registers[target] = registers[word >> 5 & 31] + (word >> 10 & 0xFFF)
        elif word & 0x7FE00000 == 0x52800000:
            registers[target] = word >> 5 & 0xFFFF
        elif word & 0x7FE0FFE0 == 0x2A0003E0 and word >> 16 & 31 in registers:
            registers[target] = registers[word >> 16 & 31]
    return {number: value for number, value in registers.items() if number < 8}


def _page_offset(word: int) -> int:
    """immhi:immlo of adr and adrp, 21 bits with sign."""
    value = (word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3
    return value - (1 << 21) if value >> 20 else value
