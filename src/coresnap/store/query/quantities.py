"""Sizes and spans of time as people write them."""

from __future__ import annotations

import re

from coresnap.errors import QueryError

__all__ = ["SECONDS", "parse_duration", "parse_size"]

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
_SIZES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SPAN = re.compile(r"(\d{1,9})\s*([A-Za-z]+)\s*")
_SIZE = re.compile(r"(-?\d{1,18}(?:\.\d{1,9})?)\s*([kmgtp]?)(i?)b?", re.IGNORECASE)


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


def parse_size(text: str) -> int:
    """Return the bytes of ``512``, ``4k``, ``1.5GB`` (1000 each) or ``2MiB`` (1024).

    Raises QueryError for what is not a size.
    """
    size = _SIZE.fullmatch(text.strip())
    if not size:
        raise QueryError(
            f"not a size: {text}",
            remedy="Write bytes, or a number and a unit, as in 64KiB or 1.5GB.",
        )
    base = 1024 if size[3] else 1000
    factor: int = base ** _SIZES[size[2].lower()]
    whole, _, fraction = size[1].partition(".")
    total = int(whole) * factor
    if fraction:
        part = int(fraction) * factor // 10 ** len(fraction)
        total += -part if whole.startswith("-") else part
    return total
