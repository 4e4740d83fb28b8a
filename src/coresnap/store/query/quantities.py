"""Spans of time, and widths of intervals, as people write them."""

from __future__ import annotations

import re

from coresnap.errors import QueryError
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.parsing import parse

__all__ = ["SECONDS", "parse_duration", "parse_width"]

SECONDS = {
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 7 * 86400,
    "M": 30 * 86400,
    "y": 365 * 86400,
}
"""Units of time; a month has 30 days, a year 365."""

_WORDS = {
    "second": "s",
    "sec": "s",
    "minute": "m",
    "min": "m",
    "hour": "h",
    "day": "d",
    "week": "w",
    "month": "M",
    "year": "y",
}
_SPAN = re.compile(r"(\d{1,9})\s*([A-Za-z]+)\s*")
_SIZE = Attribute("a width", Kind.NUMBER, "bytes")
_NUMBER = Attribute("a width", Kind.NUMBER)


def parse_duration(text: str) -> int:
    """Return the seconds of ``1w``, ``36h``, ``1d12h``, ``2 hours``.

    Raises QueryError for what is not such a span.
    """
    total, position = 0, 0
    stripped = text.strip()
    while span := _SPAN.match(stripped, position):
        total += int(span[1]) * _unit(span[2], text)
        position = span.end()
    if not position or position != len(stripped):
        raise _not_a_span(text)
    return total


def _unit(name: str, text: str) -> int:
    seconds = SECONDS.get(name)
    if seconds is None:
        seconds = SECONDS.get(_WORDS.get(name.lower().removesuffix("s"), ""))
    if seconds is None:
        raise _not_a_span(text)
    return seconds


def _not_a_span(text: str) -> QueryError:
    return QueryError(
        f"not a span of time: {text}",
        remedy="Write a number and a unit, as in 30s, 5m, 36h, 7d, 2w, 1M, 1y.",
    )


def parse_width(text: str) -> float:
    """Return the number of ``0.5``, ``1h`` (in seconds) or ``64MiB`` (in bytes).

    Raises QueryError for what is none of them.
    """
    if _SPAN.match(text) and text.strip()[-1].isalpha():
        try:
            return parse_duration(text)
        except QueryError:
            return float(parse(text, _SIZE))
    return float(parse(text, _NUMBER))
