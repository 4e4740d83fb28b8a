"""Values of attributes, as people write them in a filter."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from fractions import Fraction

from coresnap.errors import QueryError
from coresnap.snapshot.escape import quoted
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value

__all__ = ["parse"]

_BYTES: dict[str, int] = {
    "b": 1,
    **{f"{p}b": 1000**n for n, p in enumerate("kmgtp", 1)},
    **{f"{p}ib": 1 << 10 * n for n, p in enumerate("kmgtp", 1)},
}
_SECONDS: dict[str, Fraction] = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
    "w": Fraction(7 * 86400),
}
_NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,20})?"
_LIMIT = 1 << 63


def parse(text: str, attribute: Attribute) -> Value:
    """Return the value that ``text`` stands for: ``1GiB``, ``1h30m``, ``0x7f00``.

    A number without a unit is in the attribute's own. Raises QueryError if ``text`` is
    no value of this kind.
    """
    text = text.strip()
    if attribute.kind in (Kind.TEXT, Kind.LABELS):
        return text.replace("-", "").lower() if attribute.name == "object" else text
    try:
        number = _PARSERS.get(attribute.format, _plain)(text)
        return _of_kind(number, attribute.kind)
    except (ValueError, OverflowError) as error:
        raise QueryError(
            f"{quoted(text)} is no value of {attribute.name}",
            remedy=f"Write {_EXAMPLES.get(attribute.format, _example(attribute))}.",
        ) from error


def _of_kind(number: Fraction, kind: Kind) -> Value:
    if kind is Kind.NUMBER:
        return float(number)
    if number.denominator != 1:
        # Half a byte: nothing has it, so what compares with it may be a number.
        return float(number)
    if not -_LIMIT <= number < _LIMIT:
        raise ValueError("has more than 64 bits")
    return int(number)


def _plain(text: str) -> Fraction:
    if not re.fullmatch(r"[+-]?[0-9.]{1,40}(?:[eE][+-]?[0-9]{1,3})?", text):
        raise ValueError("is no number")
    if not math.isfinite(float(text)):
        raise ValueError("is no number that there is")
    return Fraction(text)


def _size(text: str) -> Fraction:
    match = re.fullmatch(rf"({_NUMBER})\s*([A-Za-z]{{1,3}})", text)
    if match is None:
        return _plain(text)
    unit = match[2].lower()
    scale = _BYTES.get(unit) or _BYTES.get(f"{unit}b")
    if scale is None:
        raise ValueError("has no such unit")
    return Fraction(match[1]) * scale


def _kilobytes(text: str) -> Fraction:
    return _size(text) / 1024 if text[-1:].isalpha() else _plain(text)


def _span(text: str) -> Fraction:
    """Seconds; a number alone is one of them."""
    if not re.fullmatch(rf"(?:{_NUMBER}\s*[a-zµ]{{1,2}}\s*)+", text):
        return _plain(text)
    parts = re.findall(rf"({_NUMBER})\s*([a-zµ]{{1,2}})", text)
    if unknown := {unit for _, unit in parts} - _SECONDS.keys():
        raise ValueError(f"has no unit {unknown}")
    return sum((Fraction(n) * _SECONDS[unit] for n, unit in parts), Fraction(0))


def _span_in(unit: str) -> Callable[[str], Fraction]:
    def parse(text: str) -> Fraction:
        return _span(text) / _SECONDS[unit] if text[-1:].isalpha() else _plain(text)

    return parse


def _address(text: str) -> Fraction:
    number = int(text, 16 if text.lower().startswith("0x") else 10)
    if not 0 <= number < 2 * _LIMIT:
        raise ValueError("has more than 64 bits")
    return Fraction(number - 2 * _LIMIT if number >= _LIMIT else number)


def _moment(text: str) -> Fraction:
    if re.fullmatch(r"[0-9]{5,}(?:\.[0-9]+)?", text):
        return _plain(text)
    text = re.sub(r"\s*(?:UTC|Z)$", "+00:00", text)
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return Fraction(int(moment.timestamp()))


def _boolean(text: str) -> Fraction:
    words = {"1": 1, "yes": 1, "true": 1, "0": 0, "no": 0, "false": 0}
    if text.lower() not in words:
        raise ValueError("is neither yes nor no")
    return Fraction(words[text.lower()])


_PARSERS: dict[str, Callable[[str], Fraction]] = {
    "address": _address,
    "boolean": _boolean,
    "bytes": _size,
    "kilobytes": _kilobytes,
    "seconds": _span,
    "milliseconds": _span_in("ms"),
    "nanoseconds": _span_in("ns"),
    "percentage": lambda text: _plain(text.removesuffix("%").rstrip()),
    "timestamp": _moment,
}
_EXAMPLES = {
    "address": "an address: 0x7f0012345678",
    "boolean": "yes or no",
    "bytes": "a size: 4096, 1GiB or 1.5MB",
    "kilobytes": "a size: 4 (of 1024 bytes), 1GiB or 1.5MB",
    "seconds": "a time: 90, 90s, 5m, 1h30m, 250ms or 2d",
    "milliseconds": "a time: 90 (milliseconds), 90s, 5m or 1h30m",
    "nanoseconds": "a time: 90 (nanoseconds), 250ms or 5m",
    "percentage": "a percentage: 50%",
    "timestamp": "a time: 2016-04-24, 2016-04-24T10:03, or seconds since the epoch",
}


def _example(attribute: Attribute) -> str:
    return "a whole number" if attribute.kind is Kind.INTEGER else "a number"
