"""Durations and points in time, with their units."""

from __future__ import annotations

import datetime
from fractions import Fraction

from coresnap.analysis.pretty.cplusplus.layout import first_slot
from coresnap.analysis.pretty.presentation import Present, Presentation
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.model import Variable, VariableKind

__all__ = ["duration", "time_point"]

_UNITS = {
    Fraction(1, 10**9): "ns",
    Fraction(1, 10**6): "µs",
    Fraction(1, 1000): "ms",
    Fraction(1): "s",
    Fraction(60): "min",
    Fraction(3600): "h",
    Fraction(86400): "d",
}


def _period(type: ValueType) -> Fraction | None:
    """Seconds in one tick of a duration."""
    ratio = type.argument(1)
    if ratio is None or ratio.bare_name != "std::ratio":
        return None
    numbers = [number for number in ratio.arguments if isinstance(number, int)]
    if not 1 <= len(numbers) <= 2 or numbers[-1] <= 0 or numbers[0] <= 0:
        return None
    return Fraction(*numbers)


def _ticks(type: ValueType) -> tuple[Slot, Fraction] | None:
    count = first_slot(type, ("__r",), ("__rep_",))
    period = _period(type)
    return None if count is None or period is None else (count, period)


def _number(value: Value) -> int | float | None:
    shown: Variable = value.show("", VariableKind.MEMBER)
    return shown.value if isinstance(shown.value, int | float) else None


def duration(type: ValueType) -> Present | None:
    """``std::chrono::duration``."""
    found = _ticks(type)
    if found is None:
        return None
    count, period = found
    unit = _UNITS.get(period)

    def present(value: Value) -> Presentation:
        ticks = _number(value[count])
        if ticks is None:
            return Presentation()
        if unit is not None:
            return Presentation(f"{ticks} {unit}")
        return Presentation(f"{ticks} × {period} s = {float(ticks * period):g} s")

    return present


def time_point(type: ValueType) -> Present | None:
    """``std::chrono::time_point``: a date, or the time since an unknown beginning."""
    since = first_slot(type, ("__d",), ("__d_",))
    found = _ticks(since.type) if since is not None else None
    if since is None or found is None:
        return None
    count, period = found
    place = count.within(since)
    clock = type.argument(0)
    is_date = clock is not None and clock.bare_name == "std::chrono::system_clock"

    def present(value: Value) -> Presentation:
        ticks = _number(value[place])
        if ticks is None or ticks != ticks:
            return Presentation()
        seconds = Fraction(ticks) * period
        if is_date and (text := _date(seconds)) is not None:
            return Presentation(text)
        return Presentation(f"{float(seconds):.15g} s after its clock began")

    return present


def _date(seconds: Fraction) -> str | None:
    whole = seconds.numerator // seconds.denominator
    try:
        moment = datetime.datetime.fromtimestamp(whole, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return None
    rest = int((seconds - whole) * 10**9)
    digits = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{digits} UTC"
