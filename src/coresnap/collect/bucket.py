"""A bucket of tokens, kept as the time when it will be full again.

As ``native/catch/bucket.c``, for a table that both write. Times are nanoseconds of the
table's clock.
"""

from __future__ import annotations

from coresnap.config import Rate

__all__ = ["give_back", "has_token", "settle", "take_token"]

_SECOND = 1_000_000_000


def _duration(rate: Rate) -> int:
    return rate.seconds * _SECOND


def _interval(rate: Rate) -> int:
    return _duration(rate) // rate.burst


def _debt(full_at: int, rate: Rate, now: int) -> int:
    if not rate.burst or full_at <= now:
        return 0
    return min(full_at - now, _duration(rate))


def settle(full_at: int, rate: Rate, now: int) -> int:
    """Return when it is full: a bucket that owes more than it holds never would be."""
    return now + _debt(full_at, rate, now)


def has_token(full_at: int, rate: Rate, now: int) -> bool:
    """Say whether a token can be taken."""
    return not rate.burst or (
        _debt(full_at, rate, now) <= _duration(rate) - _interval(rate)
    )


def take_token(full_at: int, rate: Rate, now: int) -> int:
    """Take a token that is there."""
    owed = _debt(full_at, rate, now)
    return now + owed + (_interval(rate) if rate.burst else 0)


def give_back(full_at: int, rate: Rate, now: int) -> int:
    """Put a token back."""
    owed = _debt(full_at, rate, now)
    if not rate.burst or owed < _interval(rate):
        return now
    return now + owed - _interval(rate)
