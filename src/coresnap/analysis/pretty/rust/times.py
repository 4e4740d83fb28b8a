"""Durations and points in time."""

from __future__ import annotations

import datetime

from coresnap.analysis.pretty.presentation import Present, Presentation
from coresnap.analysis.pretty.rust.layout import number_at
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["duration", "point"]


def _seconds(seconds: int, nanoseconds: int) -> str:
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return f"{seconds}{fraction}"


def duration(type: ValueType) -> Present | None:
    """``Duration``."""
    seconds, rest = number_at(type, ("secs",)), number_at(type, ("nanos",))
    if seconds is None or rest is None:
        return None

    def present(value: Value) -> Presentation:
        return Presentation(
            f"{_seconds(value.integer(seconds), value.integer(rest))} s"
        )

    return present


def point(type: ValueType) -> Present | None:
    """``SystemTime`` and ``Instant``."""
    whole = type.innermost()
    seconds = number_at(whole.type, ("tv_sec",))
    rest = number_at(whole.type, ("tv_nsec",))
    if seconds is None or rest is None:
        return None
    places = seconds.within(whole), rest.within(whole)
    is_date = type.name.endswith("SystemTime")

    def present(value: Value) -> Presentation:
        first, nanoseconds = (value.integer(place) for place in places)
        if not is_date:
            text = f"{_seconds(first, nanoseconds)} s after its clock began"
            return Presentation(text)
        try:
            moment = datetime.datetime.fromtimestamp(first, datetime.UTC)
        except (OverflowError, OSError, ValueError):
            return Presentation(f"{_seconds(first, nanoseconds)} s after 1970")
        fraction = _seconds(0, nanoseconds)[1:]
        return Presentation(f"{moment:%Y-%m-%d %H:%M:%S}{fraction} UTC")

    return present
