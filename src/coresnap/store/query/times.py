"""Moments and ranges of time as people write them; all of them are UTC.

What is understood stands in ``docs/query.md``, with examples that are tested.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs

from coresnap.errors import QueryError
from coresnap.store.query.quantities import parse_duration
from coresnap.store.query.query import AllOf, Condition, Filter, Operator

__all__ = ["TimeRange", "age_filter", "parse_moment", "parse_range", "time_filter"]

_DAY = timedelta(days=1)
_SPAN = re.compile(r"\d+\s*[A-Za-z]+(\s*\d+\s*[A-Za-z]+)*")
_TO_MINUTE = re.compile(r"[T ]\d\d:?\d\d(Z|[+-]\d\d:?\d\d)?$", re.ASCII)
_PERIODS = ("hour", "day", "week", "month", "quarter", "year")


@attrs.frozen
class TimeRange:
    """Seconds UTC since the epoch, from ``begin`` to before ``end``; None is open."""

    begin: int | None
    end: int | None


def time_filter(moments: TimeRange, attribute: str = "timestamp") -> Filter:
    """Return what a fault's time passes if it is in the range."""
    parts: list[Filter] = []
    if moments.begin is not None:
        parts.append(Condition(attribute, Operator.AT_LEAST, moments.begin))
    if moments.end is not None:
        parts.append(Condition(attribute, Operator.LESS_THAN, moments.end))
    return AllOf(tuple(parts))


def age_filter(age: str, now: int, attribute: str = "timestamp") -> Filter:
    """Return the filter of ``--age``: faults that are at most that old.

    Raises QueryError for what is not a span of time.
    """
    return time_filter(TimeRange(now - parse_duration(age), None), attribute)


def parse_moment(text: str, now: int) -> int:
    """Return the seconds UTC at which what ``text`` names begins.

    Raises QueryError for what is not understood.
    """
    return _extent(text.strip(), now)[0]


def parse_range(text: str, now: int) -> TimeRange:
    """Return the range of ``--time``, as ``2026-11-01..2026-11-08`` or ``yesterday``.

    Raises QueryError for what is not understood, and for ranges that end before they
    begin.
    """
    stripped = text.strip()
    for pattern, reading in _RANGES:
        if match := pattern.fullmatch(stripped):
            moments = reading(match, now)
            break
    else:
        moments = TimeRange(*_extent(stripped, now))
    begin, end = moments.begin, moments.end
    if begin is not None and end is not None and begin > end:
        raise QueryError(
            f"the time range {text} ends before it begins",
            remedy="Write the earlier time first.",
        )
    return moments


def _between(match: re.Match[str], now: int) -> TimeRange:
    begin, end = match["begin"].strip(), match["end"].strip()
    return TimeRange(
        _extent(begin, now)[0] if begin else None,
        _extent(end, now)[1] if end else None,
    )


def _since(match: re.Match[str], now: int) -> TimeRange:
    return TimeRange(_extent(match["moment"], now)[0], None)


def _after(match: re.Match[str], now: int) -> TimeRange:
    return TimeRange(_extent(match["moment"], now)[1], None)


def _before(match: re.Match[str], now: int) -> TimeRange:
    return TimeRange(None, _extent(match["moment"], now)[0])


def _until(match: re.Match[str], now: int) -> TimeRange:
    return TimeRange(None, _extent(match["moment"], now)[1])


def _past(match: re.Match[str], now: int) -> TimeRange:
    return TimeRange(now - parse_duration(match["span"]), now + 1)


_RANGES: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str], int], TimeRange]], ...
] = (
    (re.compile(r"(?P<begin>.*?)\.\.(?P<end>.*)"), _between),
    (re.compile(r"(?i)between\s+(?P<begin>.+?)\s+and\s+(?P<end>.+)"), _between),
    (re.compile(r"(?i)from\s+(?P<begin>.+?)\s+to\s+(?P<end>.+)"), _between),
    (re.compile(r"(?i)since\s+(?P<moment>.+)"), _since),
    (re.compile(r"(?i)after\s+(?P<moment>.+)"), _after),
    (re.compile(r"(?i)before\s+(?P<moment>.+)"), _before),
    (re.compile(r"(?i)until\s+(?P<moment>.+)"), _until),
    (re.compile(rf"(?i)(last|past)\s+(?P<span>{_SPAN.pattern})"), _past),
)


def _extent(text: str, now: int) -> tuple[int, int]:
    """Return begin and end of what a text names; of an instant, its second."""
    lowered = " ".join(text.lower().split())
    for reading in (_instant, _named, _calendar):
        try:
            extent = reading(text, lowered, now)
        except (ValueError, OverflowError) as error:
            raise _not_a_time(text) from error
        if extent is not None:
            return extent
    raise _not_a_time(text)


def _instant(text: str, lowered: str, now: int) -> tuple[int, int] | None:
    if lowered == "now":
        return now, now + 1
    if seconds := re.fullmatch(r"@(-?\d{1,12})|(\d{9,12})", text, re.ASCII):
        moment = int(seconds[1] or seconds[2])
        return moment, moment + 1
    if ago := re.fullmatch(rf"-({_SPAN.pattern})|({_SPAN.pattern})\s+ago", text):
        moment = now - parse_duration(ago[1] or ago[3])
        return moment, moment + 1
    return None


def _named(text: str, lowered: str, now: int) -> tuple[int, int] | None:
    """Return what today, yesterday, this week, last month … are."""
    today = _start_of_day(now)
    if lowered in ("today", "yesterday"):
        start = today - (_DAY if lowered == "yesterday" else timedelta())
        return _seconds(start), _seconds(start + _DAY)
    which, _, period = lowered.partition(" ")
    if which not in ("this", "last") or period not in _PERIODS:
        return None
    start = _period_start(datetime.fromtimestamp(now, UTC), period)
    if which == "last":
        start = _period_start(start - timedelta(seconds=1), period)
    return _seconds(start), _seconds(_next_period(start, period))


def _calendar(text: str, lowered: str, now: int) -> tuple[int, int] | None:
    """Return what ISO 8601 says: a year, a month, a day, a minute, a second."""
    if year := re.fullmatch(r"(\d{4})(?:-(\d{2}))?", text, re.ASCII):
        start = datetime(int(year[1]), int(year[2] or 1), 1, tzinfo=UTC)
        unit = "month" if year[2] else "year"
        return _seconds(start), _seconds(_next_period(start, unit))
    if not re.match(r"\d{4}-?(\d|W)", text, re.ASCII):
        return None
    moment = datetime.fromisoformat(text.replace(" ", "T", 1))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if re.fullmatch(r"[0-9W-]+", text, re.ASCII):
        return _seconds(moment), _seconds(moment + _DAY)
    return _seconds(moment), _seconds(moment) + (60 if _TO_MINUTE.search(text) else 1)


def _start_of_day(now: int) -> datetime:
    return _period_start(datetime.fromtimestamp(now, UTC), "day")


def _period_start(moment: datetime, period: str) -> datetime:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    if period == "hour":
        return hour
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "quarter":
        return day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    return day.replace(day=1, month=1) if period == "year" else day


def _next_period(start: datetime, period: str) -> datetime:
    if period == "hour":
        return start + timedelta(hours=1)
    days = {"day": 1, "week": 7}.get(period)
    if days is None:
        months = {"month": 1, "quarter": 3, "year": 12}[period]
        days = 0
        year, month = start.year, start.month
        for _ in range(months):
            days += calendar.monthrange(year, month)[1]
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return start + timedelta(days=days)


def _seconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _not_a_time(text: str) -> QueryError:
    return QueryError(
        f"not a time: {text}",
        remedy=(
            "Write it as 2026-11-01, 2026-11-01T12:00, @1764028800, yesterday, "
            "'this week', '3 days ago', or a range as 'last 2 hours', "
            "'since yesterday', 2026-11-01..2026-11-08."
        ),
    )
