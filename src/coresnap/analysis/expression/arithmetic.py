"""Arithmetic of the DWARF stack: generic, typed integer and IEEE float values.

DWARF 5, sections 2.5.1.4 to 2.5.1.6. A generic value is an address without a sign:
division and comparisons take it as signed, remainder and shr as unsigned. Everything
wraps; nothing here grows beyond its type, whatever the expression says.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable

import msgspec

from coresnap.analysis.expression.locations import BaseType, ExpressionError
from coresnap.analysis.expression.numbers import ByteOrder
from coresnap.analysis.expression.operations import Op

__all__ = ["BINARY", "COMPARISONS", "UNARY", "Scalar", "convert", "from_bytes", "make"]

_FLOAT, _SIGNED, _SIGNED_CHAR = 4, 5, 6
_FLOAT_FORMATS = {4: "f", 8: "d", 2: "e"}
_X87_SIZES = (10, 12, 16)
_WIDEST = 64


class Scalar(msgspec.Struct, frozen=True, eq=False):
    """A value on the stack; ints are kept in the range of their type."""

    value: int | float
    type: BaseType

    @property
    def is_float(self) -> bool:
        """Whether arithmetic is that of IEEE floats."""
        return self.type.encoding == _FLOAT

    def integer(self) -> int:
        """The value as an int; raises ExpressionError for a float."""
        if isinstance(self.value, float):
            raise ExpressionError("float where an integer is needed")
        return self.value

    def signed(self) -> int:
        """A generic value read as signed; typed ones have their sign."""
        value = self.integer()
        if self.type.encoding == 0 and value >> (8 * self.type.byte_size - 1):
            return value - (1 << 8 * self.type.byte_size)
        return value

    def bits(self) -> int:
        """The unsigned integer with the value's bits."""
        if not isinstance(self.value, float):
            return self.value & ((1 << 8 * self.type.byte_size) - 1)
        code = _FLOAT_FORMATS.get(self.type.byte_size)
        if code is None:
            raise ExpressionError(f"{self.type.byte_size}-byte float cannot be written")
        return int.from_bytes(struct.pack(f"<{code}", self.value), "little")


def make(value: int | float, base: BaseType) -> Scalar:
    """Bring ``value`` into the range of ``base``."""
    if not 0 < base.byte_size <= _WIDEST:
        raise ExpressionError(f"type of {base.byte_size} bytes in an expression")
    if base.encoding == _FLOAT:
        return Scalar(_narrow(float(value), base.byte_size), base)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ExpressionError("infinity or NaN where an integer is needed")
        value = int(value)
    bits = 8 * base.byte_size
    value &= (1 << bits) - 1
    if base.encoding in (_SIGNED, _SIGNED_CHAR) and value >> (bits - 1):
        value -= 1 << bits
    return Scalar(value, base)


def _narrow(value: float, size: int) -> float:
    code = _FLOAT_FORMATS.get(size)
    if code is None:
        return value
    try:
        return float(struct.unpack(f"<{code}", struct.pack(f"<{code}", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def from_bytes(data: bytes, base: BaseType, byte_order: ByteOrder) -> Scalar:
    """Interpret ``data`` as a value of ``base``."""
    raw = int.from_bytes(data, byte_order)
    if base.encoding != _FLOAT:
        return make(raw, base)
    code = _FLOAT_FORMATS.get(base.byte_size)
    if code is not None and len(data) == base.byte_size:
        little = raw.to_bytes(len(data), "little")
        return Scalar(float(struct.unpack(f"<{code}", little)[0]), base)
    if base.byte_size in _X87_SIZES and byte_order == "little":
        return Scalar(_x87(raw), base)
    raise ExpressionError(f"{base.byte_size}-byte float cannot be read")


def _x87(raw: int) -> float:
    """80-bit extended precision, rounded to a double (Intel SDM, volume 1, 4.2.2)."""
    significand = raw & (1 << 64) - 1
    exponent = raw >> 64 & 0x7FFF
    sign = -1.0 if raw >> 79 & 1 else 1.0
    if exponent == 0x7FFF:
        return sign * (math.inf if not significand << 1 & (1 << 64) - 1 else math.nan)
    try:
        return sign * math.ldexp(significand, exponent - 16383 - 63)
    except OverflowError:
        return sign * math.inf


def convert(scalar: Scalar, base: BaseType) -> Scalar:
    """Convert by value, as a cast in C does (DW_OP_convert)."""
    if base.encoding == 0 and not isinstance(scalar.value, float):
        return make(scalar.signed(), base)
    if scalar.type.encoding == 0 and base.encoding == _FLOAT:
        return make(scalar.signed(), base)
    return make(scalar.value, base)


def _divide(left: Scalar, right: Scalar) -> int | float:
    if left.is_float:
        if right.value == 0:
            raise ExpressionError("division by zero")
        return left.value / right.value
    dividend, divisor = left.signed(), right.signed()
    if divisor == 0:
        raise ExpressionError("division by zero")
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def _modulo(left: Scalar, right: Scalar) -> int:
    dividend, divisor = left.integer(), right.integer()
    if divisor == 0:
        raise ExpressionError("division by zero")
    remainder = abs(dividend) % abs(divisor)
    return -remainder if dividend < 0 else remainder


def _shift_left(left: Scalar, right: Scalar) -> int:
    count = right.integer()
    if not 0 <= count < 8 * left.type.byte_size:
        return 0
    return left.integer() << count


def _shift_right(left: Scalar, right: Scalar) -> int:
    count = right.integer()
    return left.bits() >> count if 0 <= count < 8 * left.type.byte_size else 0


def _shift_right_signed(left: Scalar, right: Scalar) -> int:
    bits = 8 * left.type.byte_size
    value = left.bits()
    if value >> (bits - 1):
        value -= 1 << bits
    return value >> min(right.integer() & (1 << bits) - 1, bits)


def _integers(
    function: Callable[[int, int], int],
) -> Callable[[Scalar, Scalar], int]:
    return lambda left, right: function(left.integer(), right.integer())


def _numbers(
    function: Callable[[float, float], float],
) -> Callable[[Scalar, Scalar], int | float]:
    return lambda left, right: function(left.value, right.value)


BINARY: dict[int, Callable[[Scalar, Scalar], int | float]] = {
    Op.AND: _integers(operator.and_),
    Op.OR: _integers(operator.or_),
    Op.XOR: _integers(operator.xor),
    Op.PLUS: _numbers(operator.add),
    Op.MINUS: _numbers(operator.sub),
    Op.MUL: _numbers(operator.mul),
    Op.DIV: _divide,
    Op.MOD: _modulo,
    Op.SHL: _shift_left,
    Op.SHR: _shift_right,
    Op.SHRA: _shift_right_signed,
}
"""Operation to function of (second from top, top); the result is wrapped after."""

COMPARISONS: dict[int, Callable[[float, float], bool]] = {
    Op.EQ: operator.eq,
    Op.GE: operator.ge,
    Op.GT: operator.gt,
    Op.LE: operator.le,
    Op.LT: operator.lt,
    Op.NE: operator.ne,
}

UNARY: dict[int, Callable[[Scalar], int | float]] = {
    Op.ABS: lambda scalar: abs(scalar.value if scalar.is_float else scalar.signed()),
    Op.NEG: lambda scalar: -scalar.value,
    Op.NOT: lambda scalar: ~scalar.integer(),
}
