"""Decimal floating point numbers (IEEE 754-2008, 3.5.2) in the binary encoding (BID).

It is the encoding of GCC and clang on x86 and ARM; PowerPC and s390x use the other one,
densely packed decimal.
"""

from __future__ import annotations

__all__ = ["decimal_text"]

_FORMATS = {4: (32, 8, 101, 7), 8: (64, 10, 398, 16), 16: (128, 14, 6176, 34)}
"""Bytes to width, bits of the exponent, its bias, and most digits."""


def decimal_text(bits: int, size: int) -> str | None:
    """The number as one writes it; None if there is no format of ``size`` bytes."""
    if size not in _FORMATS:
        return None
    width, exponent_bits, bias, digits = _FORMATS[size]
    sign = "-" if bits >> (width - 1) else ""
    combination = bits >> (width - 6) & 0x1F
    if combination == 0x1F:
        return f"{sign}nan"
    if combination == 0x1E:
        return f"{sign}inf"
    fraction = width - 1 - exponent_bits
    mask = (1 << exponent_bits) - 1
    if bits >> (width - 3) & 3 == 3:
        # Two bits say that the significand begins with binary 100.
        exponent = bits >> (fraction - 2) & mask
        significand = 4 << (fraction - 2) | bits & (1 << (fraction - 2)) - 1
    else:
        exponent = bits >> fraction & mask
        significand = bits & (1 << fraction) - 1
    if significand >= 10**digits:
        significand = 0  # not canonical: such a number is zero
    return sign + _scaled(str(significand), exponent - bias)


def _scaled(figures: str, exponent: int) -> str:
    """``figures`` times ten to the ``exponent``, as Python's decimal writes it."""
    point = len(figures) + exponent
    if exponent == 0:
        return figures
    if exponent < 0 and point > -6:
        padded = figures.rjust(1 - exponent, "0")
        return f"{padded[:exponent]}.{padded[exponent:]}"
    rest = f".{figures[1:]}" if len(figures) > 1 else ""
    return f"{figures[0]}{rest}E{point - 1:+d}"
