"""DW_EH_PE pointer encodings (LSB 5.0 core, "DWARF Extensions", 10.5)."""

from __future__ import annotations

import msgspec

from coresnap.analysis.expression.numbers import (
    ByteOrder,
    DecodeError,
    fixed,
    sleb128,
    uleb128,
)

__all__ = ["OMIT", "PointerReader", "fixed_size"]

OMIT = 0xFF
_ABSOLUTE, _PC_RELATIVE, _TEXT_RELATIVE, _DATA_RELATIVE = 0x00, 0x10, 0x20, 0x30
_FUNCTION_RELATIVE, _ALIGNED = 0x40, 0x50
_INDIRECT = 0x80
_SIZES = {0x02: 2, 0x03: 4, 0x04: 8, 0x0A: 2, 0x0B: 4, 0x0C: 8}
_ULEB128, _SLEB128, _SIGNED = 0x01, 0x09, 0x08


def fixed_size(encoding: int, pointer_size: int) -> int | None:
    """Bytes of a pointer in this encoding; None if that differs from case to case."""
    form = encoding & 0x0F
    if form in (0x00, _SIGNED):
        return pointer_size
    return _SIZES.get(form)


class PointerReader(msgspec.Struct, frozen=True, eq=False):
    """Reads encoded pointers out of bytes that are loaded at ``address``."""

    data: bytes | memoryview
    address: int
    """Link-time address of the first byte."""
    pointer_size: int
    byte_order: ByteOrder
    text: int = 0
    """Base of text-relative pointers."""
    base: int = 0
    """Base of data-relative pointers."""

    def read(self, position: int, encoding: int, function: int = 0) -> tuple[int, int]:
        """Read the pointer at ``position``: its value and the position behind it.

        An indirect pointer is not followed. Raises ``DecodeError``.
        """
        if encoding == _ALIGNED:
            skip = -(self.address + position) % self.pointer_size
            return fixed(self.data, position + skip, self.pointer_size, self.byte_order)
        value, end = self.read_plain(position, encoding)
        if value == 0:
            return 0, end
        value += self._base(encoding & 0x70, position, function)
        return value & (1 << 8 * self.pointer_size) - 1, end

    def read_plain(self, position: int, encoding: int) -> tuple[int, int]:
        """Read without adding a base: for sizes of ranges."""
        form = encoding & 0x0F
        if form == _ULEB128:
            return uleb128(self.data, position)
        if form == _SLEB128:
            return sleb128(self.data, position)
        size = fixed_size(encoding, self.pointer_size)
        if size is None:
            raise DecodeError(f"unknown pointer encoding {encoding:#04x}")
        signed = bool(form & _SIGNED)
        return fixed(self.data, position, size, self.byte_order, signed=signed)

    def _base(self, application: int, position: int, function: int) -> int:
        if application == _ABSOLUTE:
            return 0
        if application == _PC_RELATIVE:
            return self.address + position
        if application == _TEXT_RELATIVE:
            return self.text
        if application == _DATA_RELATIVE:
            return self.base
        if application == _FUNCTION_RELATIVE:
            return function
        raise DecodeError(f"unknown pointer encoding {application:#04x}")
