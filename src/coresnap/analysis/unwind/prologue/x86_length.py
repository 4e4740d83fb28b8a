"""How long an x86 instruction is, and where its parts are.

Intel SDM volume 2: chapter 2 (formats) and appendix A (opcode maps).
"""

from __future__ import annotations

import msgspec

__all__ = ["Parts", "parts_at"]

_LONGEST = 15
_PREFIXES = frozenset(b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3")


def _set(*ranges: tuple[int, int]) -> frozenset[int]:
    return frozenset(n for first, last in ranges for n in range(first, last + 1))


_ALU = frozenset(n for n in range(0x40) if n & 7 < 4)
_MODRM = _ALU | _set(
    (0x63, 0x63), (0x69, 0x69), (0x6B, 0x6B), (0x80, 0x8F), (0xC0, 0xC1),
    (0xC4, 0xC7), (0xD0, 0xD3), (0xD8, 0xDF), (0xF6, 0xF7), (0xFE, 0xFF), (0x62, 0x62),
)  # fmt: skip
_BYTE = frozenset(n for n in range(0x40) if n & 7 == 4) | _set(
    (0x6A, 0x6B), (0x70, 0x80), (0x82, 0x83), (0xA8, 0xA8), (0xB0, 0xB7), (0xC0, 0xC1),
    (0xC6, 0xC6), (0xCD, 0xCD), (0xD4, 0xD5), (0xE0, 0xE7), (0xEB, 0xEB),
)  # fmt: skip
_WORD = frozenset(n for n in range(0x40) if n & 7 == 5) | _set(
    (0x68, 0x69), (0x81, 0x81), (0xA9, 0xA9), (0xB8, 0xBF), (0xC7, 0xC7), (0xE8, 0xE9),
)  # fmt: skip
_NOT_IN_64 = _set(
    (0x06, 0x07), (0x0E, 0x0E), (0x16, 0x17), (0x1E, 0x1F), (0x27, 0x27), (0x2F, 0x2F),
    (0x37, 0x37), (0x3F, 0x3F), (0x60, 0x61), (0x82, 0x82), (0x9A, 0x9A), (0xCE, 0xCE),
    (0xD4, 0xD6), (0xEA, 0xEA),
)  # fmt: skip
_TWO_NO_MODRM = _set(
    (0x05, 0x09), (0x0B, 0x0B), (0x0E, 0x0E), (0x30, 0x37), (0x77, 0x77), (0x80, 0x8F),
    (0xA0, 0xA2), (0xA8, 0xAA), (0xC8, 0xCF),
)  # fmt: skip
_TWO_BYTE = frozenset(
    (0x0F, 0x70, 0x71, 0x72, 0x73, 0xA4, 0xAC, 0xBA, 0xC2, 0xC4, 0xC5, 0xC6)
)
_TWO_INVALID = frozenset((0x04, 0x0A, 0x0C, 0x24, 0x25, 0x26, 0x27, 0x36, 0x39, 0x3B))


class Parts(msgspec.Struct, frozen=True, eq=False):
    """One instruction, taken apart."""

    size: int
    map: int
    """0: one-byte opcodes; 1: behind 0F; 2 and 3: behind 0F 38 and 0F 3A."""
    opcode: int
    rex: int = 0
    prefixes: bytes = b""
    modrm: int | None = None
    base: int | None = None
    """Register that the memory operand counts from, REX included; None if there is no
    such operand, or it has no base or an index."""
    displacement: int = 0
    immediate: int = 0
    vector: bool = False
    """VEX or EVEX encoded."""

    @property
    def reg(self) -> int:
        """The register of ModRM.reg, REX included."""
        return (self.modrm or 0) >> 3 & 7 | (self.rex & 4) << 1

    @property
    def rm(self) -> int | None:
        """The register of ModRM.rm; None if that is memory."""
        if self.modrm is None or self.modrm >> 6 != 3:
            return None
        return self.modrm & 7 | (self.rex & 1) << 3

    @property
    def group(self) -> int:
        """ModRM.reg where it extends the opcode."""
        return (self.modrm or 0) >> 3 & 7


def parts_at(code: bytes, position: int, *, wide: bool) -> Parts | None:
    """Take the instruction at ``position`` apart; ``wide`` for 64-bit code.

    None if it is cut, or no instruction.
    """
    try:
        return _Reader(code[position : position + _LONGEST], wide).read()
    except IndexError:
        return None


class _Reader:
    def __init__(self, data: bytes, wide: bool) -> None:
        self.data, self.wide = data, wide
        self.at = 0

    def read(self) -> Parts | None:
        data = self.data
        while data[self.at] in _PREFIXES:
            self.at += 1
        prefixes = data[: self.at]
        rex = 0
        if self.wide and data[self.at] & 0xF0 == 0x40:
            rex = data[self.at]
            self.at += 1
        opcode = data[self.at]
        self.at += 1
        if self._is_vector(opcode):
            return self._vector(opcode)
        if opcode == 0x0F:
            return self._escaped(prefixes, rex)
        if self.wide and opcode in _NOT_IN_64:
            return None
        return self._one_byte(opcode, prefixes, rex)

    def _is_vector(self, opcode: int) -> bool:
        if opcode not in (0x62, 0xC4, 0xC5):
            return False
        return self.wide or self.data[self.at] >> 6 == 3

    def _vector(self, opcode: int) -> Parts | None:
        data, at = self.data, self.at
        self.at += {0xC5: 1, 0xC4: 2, 0x62: 3}[opcode]
        code_map = 1 if opcode == 0xC5 else data[at] & (0x1F if opcode == 0xC4 else 7)
        inner = data[self.at]
        self.at += 1
        if code_map == 1 and inner == 0x77:
            return Parts(self.at, 1, inner, vector=True)
        modrm, _, _ = self._modrm(0)
        if code_map == 3 or (code_map == 1 and inner in _TWO_BYTE):
            self._number(1)
        return Parts(self.at, code_map, inner, modrm=modrm, vector=True)

    def _escaped(self, prefixes: bytes, rex: int) -> Parts | None:
        opcode = self.data[self.at]
        self.at += 1
        code_map = {0x38: 2, 0x3A: 3}.get(opcode, 1)
        if code_map != 1:
            opcode = self.data[self.at]
            self.at += 1
        elif opcode in _TWO_INVALID:
            return None
        modrm, base, displacement, immediate = None, None, 0, 0
        if code_map != 1 or opcode not in _TWO_NO_MODRM:
            modrm, base, displacement = self._modrm(rex)
        if code_map == 3 or (code_map == 1 and opcode in _TWO_BYTE):
            immediate = self._number(1)
        elif code_map == 1 and opcode & 0xF0 == 0x80:
            immediate = self._number(4)
        return Parts(
            self.at, code_map, opcode, rex, prefixes, modrm, base, displacement,
            immediate,
        )  # fmt: skip

    def _one_byte(self, opcode: int, prefixes: bytes, rex: int) -> Parts | None:
        modrm, base, displacement = None, None, 0
        if opcode in _MODRM:
            modrm, base, displacement = self._modrm(rex)
        size = self._immediate_size(opcode, modrm, prefixes, rex)
        immediate = self._number(size) if size else 0
        return Parts(
            self.at, 0, opcode, rex, prefixes, modrm, base, displacement, immediate
        )

    def _immediate_size(
        self, opcode: int, modrm: int | None, prefixes: bytes, rex: int
    ) -> int:
        word = 2 if b"\x66" in prefixes else 4
        if opcode in (0xF6, 0xF7) and modrm is not None and modrm >> 3 & 7 < 2:
            return 1 if opcode == 0xF6 else word
        if 0xB8 <= opcode <= 0xBF and rex & 8:
            return 8
        if opcode in (0xC2, 0xCA):
            return 2
        if opcode == 0xC8:
            return 3
        if opcode in (0x9A, 0xEA):
            return word + 2
        if 0xA0 <= opcode <= 0xA3:
            return 8 if self.wide and b"\x67" not in prefixes else 4
        if self.wide and opcode in (0xE8, 0xE9):
            return 4
        return 1 if opcode in _BYTE else word if opcode in _WORD else 0

    def _modrm(self, rex: int) -> tuple[int, int | None, int]:
        modrm = self.data[self.at]
        self.at += 1
        mode, register = modrm >> 6, modrm & 7
        if mode == 3:
            return modrm, None, 0
        base: int | None = register | (rex & 1) << 3
        if register == 4:
            sib = self.data[self.at]
            self.at += 1
            index = sib >> 3 & 7 | (rex & 2) << 2
            register = sib & 7
            base = (register | (rex & 1) << 3) if index == 4 else None
        displacement = 0
        if mode == 0 and register == 5:
            base = None
            displacement = self._number(4)
        elif mode:
            displacement = self._number(1 if mode == 1 else 4)
        return modrm, base, displacement

    def _number(self, size: int) -> int:
        raw = self.data[self.at : self.at + size]
        if len(raw) < size:
            raise IndexError
        self.at += size
        return int.from_bytes(raw, "little", signed=True)
