"""What a stored value is under the kind that its attribute has by now.

A value is kept as it came, or as its text; the kind widens when other values come. So
what a value is under a kind is a function of its text.
"""

from __future__ import annotations

import math
import re

from coresnap.store.attributes.attribute import Kind
from coresnap.store.fault import Value

__all__ = ["as_integer", "as_kind", "as_number", "as_text"]

_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?", re.ASCII)


def as_text(value: Value) -> str:
    """Return the text of a value: of a float the shortest that gives it back."""
    if isinstance(value, float):
        return repr(value + 0.0)  # -0.0 is 0.0
    return str(value)


def as_integer(value: Value) -> int | None:
    """Return the integer in 64 bits that a value's text is; None if it is not one."""
    text = as_text(value)
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def as_number(value: Value) -> float | None:
    """Return the finite double nearest to the number that a value's text is."""
    text = as_text(value)
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text) + 0.0
    return number if math.isfinite(number) else None


def as_kind(value: Value, kind: Kind) -> Value | None:
    """Return what a value is under ``kind``; None: it counts as unset there."""
    if kind is Kind.INTEGER:
        return as_integer(value)
    if kind is Kind.NUMBER:
        return as_number(value)
    return as_text(value)
