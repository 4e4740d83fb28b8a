"""When digests are due."""

from __future__ import annotations

import datetime

from coresnap.store.api.telling import DigestTime

__all__ = ["length_of", "next_digest"]

_DAY = 24 * 60 * 60


def length_of(digest: DigestTime) -> int:
    """Return the seconds that a digest is about."""
    return _DAY if digest.weekday is None else 7 * _DAY


def next_digest(digest: DigestTime, now: int) -> int:
    """Return the first moment after ``now`` at which it is due, seconds UTC."""
    day = datetime.datetime.fromtimestamp(now, datetime.UTC)
    due = day.replace(hour=digest.hour, minute=0, second=0, microsecond=0)
    if digest.weekday is not None:
        due += datetime.timedelta(days=(digest.weekday - due.weekday()) % 7)
    moment = int(due.timestamp())
    return moment if moment > now else moment + length_of(digest)
