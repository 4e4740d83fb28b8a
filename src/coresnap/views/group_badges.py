"""What is remarkable about a group in a list: that it is new, or has come back."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import attrs

from coresnap.store.api.group_reopenings import ReopenedGroup
from coresnap.store.api.groups import State
from coresnap.store.query.times import TimeRange

__all__ = ["Badge", "Badges"]


class Badge(enum.StrEnum):
    """One remark, as JSON has it."""

    NEW = "new"
    """Its first crash is in the interval."""
    REGRESSED = "regressed"
    """It was resolved, and a later fault has opened it."""
    MUTE_ENDED = "mute-ended"


@attrs.frozen
class Badges:
    """What happened to groups in an interval."""

    interval: TimeRange
    reopened: Mapping[str, ReopenedGroup]
    """By the group's id."""

    @classmethod
    def among(cls, interval: TimeRange, reopened: Iterable[ReopenedGroup]) -> Badges:
        """Return the badges that reopened groups, and new ones, get."""
        return cls(interval, {one.group: one for one in reopened})

    def of(self, group: str, first_seen: int) -> dict[Badge, str]:
        """Return a group's badges, each with its reason; empty where it has none.

        ``first_seen`` is the time of the group's earliest crash, whatever was asked.
        """
        found = {Badge.NEW: ""} if _is_in(first_seen, self.interval) else {}
        again = self.reopened.get(group)
        if again is not None and _is_in(again.time, self.interval):
            closed = again.before is State.RESOLVED
            found[Badge.REGRESSED if closed else Badge.MUTE_ENDED] = again.why
        return found


def _is_in(time: int, interval: TimeRange) -> bool:
    begin, end = interval.begin, interval.end
    return (begin is None or begin <= time) and (end is None or time < end)
