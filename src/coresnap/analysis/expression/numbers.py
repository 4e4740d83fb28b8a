"""Numbers as DWARF writes them: LEB128 and fixed width, read within bounds.

DWARF 5, section 7.6. ``data`` is anything that gives ints when indexed.
"""

from __future__ import annotations

from typing import Literal

from coresnap.errors import InputError

__all__ = ["ByteOrder", "DecodeError", "fixed", "sleb128", "uleb128"]

ByteOrder = Literal["little", "big"]

_LEB128_BITS = 70
"""Ten groups of 7: all that a 64-bit number needs, padding by producers included."""


class DecodeError(InputError):
    """Encoded bytes that end too early or say something impossible."""


def uleb128(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """Read an unsigned LEB128; return it and the position behind it."""
    try:
        byte = data[position]
        if byte < 0x80:
            return byte, position + 1
        value = byte & 0x7F
        for shift in range(7, _LEB128_BITS, 7):
            position += 1
            byte = data[position]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position + 1
    except IndexError:
        raise DecodeError("LEB128 number is cut") from None
    raise DecodeError("LEB128 number is longer than 64 bits")


def sleb128(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """Read a signed LEB128; return it and the position behind it."""
    value, end = uleb128(data, position)
    if data[end - 1] & 0x40:
        value -= 1 << (7 * (end - position))
    return value, end


def fixed(
    data: bytes | memoryview,
    position: int,
    size: int,
    byte_order: ByteOrder,
    *,
    signed: bool = False,
) -> tuple[int, int]:
    """Read an integer of ``size`` bytes; return it and the position behind it."""
    end = position + size
    if position < 0 or end > len(data):
        raise DecodeError(f"{size}-byte number is cut")
    return int.from_bytes(data[position:end], byte_order, signed=signed), end
