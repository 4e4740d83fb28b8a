"""Periods that pages of groups look at, and the intervals of their trends."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from coresnap.errors import UsageError
from coresnap.store.query.query import Condition, Filter, Fold, FoldName, Operator
from coresnap.store.query.result import Buckets, FoldValue
from coresnap.store.query.times import TimeRange
from coresnap.views.web.drawing.trend import Trend

__all__ = ["PERIODS", "Period", "Span", "find_period"]

_HOUR = 3600
_DAY = 24 * _HOUR


@attrs.frozen
class Period:
    """A time before now."""

    name: str
    """In addresses."""
    title: str
    size: int
    """Intervals."""
    width: int
    """Of each, in seconds."""
    step: str
    """One interval, for people."""
    is_all: bool = False
    """Whether faults from before are shown, too: only the trend is of the period."""

    def span(self, now: int) -> Span:
        """Return it as it is now: the current interval is the last one."""
        return Span(self, (now // self.width + 1) * self.width)


PERIODS = (
    Period("", "All time", 30, _DAY, "day", is_all=True),
    Period("1d", "24 hours", 24, _HOUR, "hour"),
    Period("7d", "7 days", 28, 6 * _HOUR, "6-hour step"),
    Period("30d", "30 days", 30, _DAY, "day"),
    Period("90d", "90 days", 30, 3 * _DAY, "3-day step"),
    Period("1y", "A year", 52, 7 * _DAY, "week"),
)


def find_period(name: str) -> Period:
    """Return the period with this name; raise UsageError for another one."""
    for one in PERIODS:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in PERIODS if one.name)
    raise UsageError(f"there is no such period: {name}", remedy=f"It is {names}.")


@attrs.frozen
class Span:
    """A period that ends with the current interval. Times are seconds UTC."""

    period: Period
    end: int

    @property
    def begin(self) -> int:
        """Of its first interval."""
        return self.end - self.period.size * self.period.width

    def interval(self) -> TimeRange:
        """Return the times of the crashes that are looked at."""
        return TimeRange(None, None) if self.period.is_all else self._range

    @property
    def _range(self) -> TimeRange:
        return TimeRange(self.begin, self.end)

    def filters(self) -> tuple[Filter, ...]:
        """Return what faults of the period pass; nothing for all time."""
        if self.period.is_all:
            return ()
        return (Condition("timestamp", Operator.AT_LEAST, self.begin),)

    def fold(self) -> Fold:
        """Return the fold that counts faults in the intervals."""
        return Fold(
            FoldName.BIN,
            "timestamp",
            size=self.period.size,
            lower=self.begin,
            upper=self.end,
        )

    def trend(self, found: FoldValue) -> Trend:
        """Return what the fold has found."""
        return Trend(self.begin, self.period.width, self.counts(found))

    def counts(self, found: FoldValue) -> Sequence[int]:
        """Return the count of each interval; zeros where there was nothing."""
        counts = found.counts if isinstance(found, Buckets) else ()
        return counts or (0,) * self.period.size
