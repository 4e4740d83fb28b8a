"""Numbers, characters and truth values from their bytes.

Every function here compiles a type into a reader, so that a value costs one call and
no decision about its type.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from coresnap.analysis.debuginfo.constants import Encoding
from coresnap.analysis.values.types import BaseType, EnumType
from coresnap.model import Variable, VariableKind

__all__ = [
    "Read",
    "character",
    "enumerator_text",
    "integer_unpacker",
    "is_character",
    "missing_reader",
    "plain_integer",
    "read_enum",
    "read_scalar",
    "valueless_reader",
]

Read = Callable[[str, VariableKind, bytes, int, "int | None"], Variable]
"""(name, kind, data, offset, address or None) -> the variable that stands at
``data[offset:]``. The caller has checked that all of its bytes are there."""

Number = int | float | str
_Unpack = Callable[[bytes, int], Number]

_INTEGER_FORMATS = {1: "b", 2: "h", 4: "i", 8: "q"}
_FLOAT_FORMATS = {2: "e", 4: "f", 8: "d"}
_CHARACTERS = frozenset(
    (
        Encoding.SIGNED_CHAR,
        Encoding.UNSIGNED_CHAR,
        Encoding.UTF,
        Encoding.UCS,
        Encoding.ASCII,
    )
)
_MNEMONICS = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f"}
_MNEMONICS |= {13: "\\r", 27: "\\033", 92: "\\\\"}


def is_character(found: BaseType) -> bool:
    """Whether people read the number as a character."""
    return found.encoding in _CHARACTERS


def character(code: int) -> str:
    """A character as one writes it between quotes."""
    if code in _MNEMONICS:
        return _MNEMONICS[code]
    if 0 <= code < 0x110000 and chr(code).isprintable():
        return chr(code)
    return f"\\x{code:x}" if code >= 0 else f"\\x{code & 0xFF:x}"


def plain_integer(number: int) -> int | str:
    """The number, or its decimal text if 64 bits do not hold it."""
    return number if -(1 << 63) <= number < 1 << 64 else str(number)


def integer_unpacker(
    size: int, *, signed: bool, little_endian: bool
) -> Callable[[bytes, int], int]:
    """(data, offset) -> the integer of ``size`` bytes that stands there."""
    code = _INTEGER_FORMATS.get(size)
    if code is not None:
        prefix = "<" if little_endian else ">"
        unpack = struct.Struct(prefix + (code if signed else code.upper())).unpack_from
        return lambda data, offset: int(unpack(data, offset)[0])
    order = "little" if little_endian else "big"

    def unpack_any(data: bytes, offset: int) -> int:
        chunk = data[offset : offset + size]
        return int.from_bytes(chunk, order, signed=signed)  # type: ignore[arg-type]

    return unpack_any


def read_scalar(
    found: BaseType,
    type_name: str,
    *,
    little_endian: bool,
    x87: bool,
    textual: bool = False,
) -> Read:
    """A reader for a base type.

    ``x87``: long double is the 80-bit format. ``textual``: the number is a character
    whatever its encoding says (C's wchar_t is an int).
    """
    size, encoding = found.size or 0, found.encoding
    prefix = "<" if little_endian else ">"
    if encoding == Encoding.FLOAT:
        unpack_float = _float_unpacker(found, prefix, x87=x87)
        return (
            missing_reader(type_name, f"unsupported: {size}-byte float")
            if (unpack_float is None)
            else _number_reader(type_name, unpack_float)
        )
    if encoding in (Encoding.COMPLEX_FLOAT, Encoding.GNU_COMPLEX_INTEGER):
        return _read_complex(found, type_name, little_endian=little_endian, x87=x87)
    if encoding == Encoding.DECIMAL_FLOAT:
        return _read_decimal(type_name, size, little_endian=little_endian)
    signed = found.is_signed
    unpack = integer_unpacker(size, signed=signed, little_endian=little_endian)
    if encoding == Encoding.BOOLEAN:
        return _read_boolean(type_name, unpack)
    if textual or encoding in _CHARACTERS:
        return _read_character(type_name, unpack, size)
    if size in _INTEGER_FORMATS:
        code = _INTEGER_FORMATS[size]
        return _packed_reader(type_name, prefix + (code if signed else code.upper()))
    return _number_reader(type_name, lambda data, at: plain_integer(unpack(data, at)))


def _read_decimal(type_name: str, size: int, *, little_endian: bool) -> Read:
    from coresnap.analysis.values.decimals import decimal_text

    unpack = integer_unpacker(size, signed=False, little_endian=little_endian)
    if decimal_text(0, size) is None or not little_endian:
        return missing_reader(type_name, f"unsupported: {size}-byte decimal float")

    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        number = decimal_text(unpack(data, offset), size)
        return Variable(name, type_name, kind, number, None, (), None, address)

    return read


def _packed_reader(type_name: str, code: str) -> Read:
    unpack = struct.Struct(code).unpack_from

    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        number = unpack(data, offset)[0]
        return Variable(name, type_name, kind, number, None, (), None, address)

    return read


def _number_reader(type_name: str, unpack: _Unpack) -> Read:
    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        number = unpack(data, offset)
        return Variable(name, type_name, kind, number, None, (), None, address)

    return read


def _read_boolean(type_name: str, unpack: Callable[[bytes, int], int]) -> Read:
    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        number = unpack(data, offset)
        # A bool with another pattern is a finding; it must not look like true.
        value = bool(number) if number in (0, 1) else number
        return Variable(name, type_name, kind, value, None, (), None, address)

    return read


def _read_character(
    type_name: str, unpack: Callable[[bytes, int], int], size: int
) -> Read:
    mask = (1 << 8 * size) - 1
    texts = {code: character(code) for code in range(128)}

    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        code = unpack(data, offset)
        text = texts.get(code)
        if text is None:
            text = f"\\x{code & mask:x}" if size == 1 else character(code)
        return Variable(name, type_name, kind, code, text, (), None, address)

    return read


def _float_unpacker(found: BaseType, prefix: str, *, x87: bool) -> _Unpack | None:
    size, name = found.size or 0, found.name or ""
    if name == "__bf16":
        shift = struct.Struct(prefix + "H").unpack_from
        return lambda data, at: _from_bfloat(shift(data, at)[0])
    if size in _FLOAT_FORMATS:
        unpack = struct.Struct(prefix + _FLOAT_FORMATS[size]).unpack_from
        return lambda data, at: float(unpack(data, at)[0])
    order = "little" if prefix == "<" else "big"
    if x87 and size in (10, 12, 16) and "128" not in name:
        return lambda data, at: _from_x87(data[at : at + 10])
    if size == 16:
        return lambda data, at: _from_binary128(
            int.from_bytes(data[at : at + 16], order)  # type: ignore[arg-type]
        )
    return None


def _from_bfloat(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", bits << 16))[0])


def _from_x87(data: bytes) -> float:
    """The 80-bit extended format (Intel SDM 1, 4.2.2), to the nearest double."""
    mantissa, exponent = struct.unpack("<QH", data)
    sign = -1.0 if exponent >> 15 else 1.0
    exponent &= 0x7FFF
    if exponent == 0x7FFF:
        return sign * math.inf if mantissa << 1 & (1 << 64) - 1 == 0 else math.nan
    return sign * _scale(mantissa, exponent - 16383 - 63)


def _from_binary128(bits: int) -> float:
    """IEEE 754 binary128, to the nearest double."""
    sign = -1.0 if bits >> 127 else 1.0
    exponent, fraction = bits >> 112 & 0x7FFF, bits & (1 << 112) - 1
    if exponent == 0x7FFF:
        return math.nan if fraction else sign * math.inf
    mantissa = fraction | (1 << 112 if exponent else 0)
    return sign * _scale(mantissa, max(exponent, 1) - 16383 - 112)


def _scale(mantissa: int, exponent: int) -> float:
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.inf


def _read_complex(
    found: BaseType, type_name: str, *, little_endian: bool, x87: bool
) -> Read:
    half = (found.size or 0) // 2
    is_float = found.encoding == Encoding.COMPLEX_FLOAT
    part_name = type_name.replace("complex ", "").replace("_Complex ", "")
    encoding = Encoding.FLOAT if is_float else Encoding.SIGNED
    part = read_scalar(
        BaseType(0, part_name, half, encoding),
        part_name,
        little_endian=little_endian,
        x87=x87,
    )

    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        second = None if address is None else address + half
        members = (
            part("real", VariableKind.MEMBER, data, offset, address),
            part("imag", VariableKind.MEMBER, data, offset + half, second),
        )
        text = f"{members[0].value} + {members[1].value}i"
        return Variable(
            name,
            type_name,
            kind,
            None,
            text,
            members,
            None,
            address,
            described=True,
        )

    return read


def enumerator_text(found: EnumType, number: int) -> str | None:
    """``RED``, ``READ | WRITE``, ``READ | 0x8``; None for a number without a name."""
    name = found.enumerators.get(number)
    if name is not None or not found.flags or number <= 0:
        return name
    names = [n for bit, n in sorted(found.enumerators.items()) if bit and number & bit]
    rest = number & ~sum(found.enumerators)
    if not names:
        return None
    return " | ".join([*names, hex(rest)] if rest else names)


def read_enum(found: EnumType, type_name: str, *, little_endian: bool) -> Read:
    """A reader for an enumeration: the number, with its name as text."""
    unpack = integer_unpacker(
        found.size or 0, signed=found.signed, little_endian=little_endian
    )

    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        number = unpack(data, offset)
        text = enumerator_text(found, number)
        return Variable(name, type_name, kind, number, text, (), None, address)

    return read


def missing_reader(type_name: str, reason: str) -> Read:
    """A reader for what cannot be read."""

    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        return Variable(name, type_name, kind, address=address, missing=reason)

    return read


def valueless_reader(type_name: str) -> Read:
    """A reader for what has no value: void, functions, flexible arrays."""

    def read(
        name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
    ) -> Variable:
        return Variable(name, type_name, kind, address=address)

    return read
