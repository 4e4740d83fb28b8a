"""Durations, sizes, rates and other numbers as they stand in coresnap.conf.

A parser takes a stripped value and raises ValueError with the rest of a sentence that
begins with the value. Upper bounds are those of the handler's settings, whose seconds
and milliseconds have 32 bits and whose bytes have 63.
"""

from __future__ import annotations

import re

from coresnap.config.nouns import Rate, Share

__all__ = [
    "parse_age",
    "parse_count",
    "parse_duration",
    "parse_number",
    "parse_percentage",
    "parse_rate",
    "parse_size",
    "parse_size_or_none",
    "parse_storage_limit",
    "parse_time_limit",
]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "": 1,
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
_MOST_SECONDS = 36500 * 86400
_MOST_MILLISECONDS = 40 * 86400 * 1000
_MOST_BYTES = (1 << 63) - 1
NONE = "none"


def parse_count(text: str) -> int:
    """Return a whole number above 0."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise ValueError("is not a whole number above 0")
    return int(text)


def parse_number(text: str) -> int:
    """Return a whole number."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("is not a whole number")
    return int(text)


def parse_duration(text: str) -> int:
    """Return seconds."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if not match or int(match[1]) < 1:
        raise ValueError("is not a duration such as 90s, 5m, 12h or 30d")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds > _MOST_SECONDS:
        raise ValueError("is longer than a hundred years")
    return seconds


def parse_age(text: str) -> int | None:
    """Return seconds; None for ``none``."""
    return None if text == NONE else parse_duration(text)


def parse_time_limit(text: str) -> int:
    """Return milliseconds; 0 for ``none``."""
    if text == NONE:
        return 0
    match = re.fullmatch(r"([0-9]{1,9})ms", text)
    milliseconds = int(match[1]) if match else parse_duration(text) * 1000
    if not 0 < milliseconds <= _MOST_MILLISECONDS:
        raise ValueError("is not a time from 1ms to 40d, or none")
    return milliseconds


def parse_percentage(text: str) -> int:
    """Return percent, 0 to 100."""
    match = re.fullmatch(r"([0-9]{1,3})%", text)
    if not match or int(match[1]) > 100:
        raise ValueError("is not a whole percentage from 0% to 100%")
    return int(match[1])


def parse_size(text: str) -> int:
    """Return bytes."""
    match = re.fullmatch(r"([0-9]{1,15})\s*([A-Za-z]*)", text)
    if not match or match[2] not in _BYTES or int(match[1]) < 1:
        raise ValueError("is not a size such as 512MiB or 4GB")
    size = int(match[1]) * _BYTES[match[2]]
    if size > _MOST_BYTES:
        raise ValueError("is more bytes than any file can have")
    return size


def parse_size_or_none(text: str) -> int | None:
    """Return bytes; None for ``none``."""
    return None if text == NONE else parse_size(text)


def parse_storage_limit(text: str) -> int | Share | None:
    """Return bytes or a part of the filesystem; None for ``none``."""
    if text.endswith("%"):
        return Share(parse_percentage(text))
    return parse_size_or_none(text)


def parse_rate(text: str) -> Rate:
    """Return how many in how long; a burst of 0 for ``none``."""
    if text == NONE:
        return Rate(0, 1)
    burst, slash, time = (part.strip() for part in text.partition("/"))
    if not slash or not re.fullmatch(r"[0-9]{1,9}", burst) or int(burst) < 1:
        raise ValueError("is not a rate such as 10/10m, or none")
    return Rate(int(burst), parse_duration(time))
