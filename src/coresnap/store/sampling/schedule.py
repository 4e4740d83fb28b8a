"""Back-off: when the next body of a kind of fault is kept. Knows no database."""

from __future__ import annotations

import attrs

from coresnap.store.api.sampling import SamplingRule

__all__ = ["Progress", "advanced", "begun", "next_time"]

_SKEW = 300
"""Seconds by which the clocks of servers may differ."""


@attrs.frozen
class Progress:
    """How far a bucket is in its schedule. Times are seconds, UTC."""

    started: int
    kept: int
    """Bodies since ``started``."""
    sampled: int
    """Bodies that were not kept since then."""
    last: int
    """When a body was last kept."""


def begun(now: int) -> Progress:
    """Return the progress of a bucket that nothing has been kept of."""
    return Progress(now, 0, 0, 0)


def next_time(rule: SamplingRule, progress: Progress) -> int:
    """Return the first second at which a body is kept: 0 for whenever it comes."""
    reset = progress.started + rule.reset
    passed = 0
    for step in rule.steps:
        passed += step.count
        if progress.kept < passed:
            if progress.kept == 0:
                return 0
            return min(progress.last + step.interval, reset)
    return reset


def advanced(
    rule: SamplingRule, progress: Progress, now: int, *, wanted: bool = False
) -> tuple[Progress, bool]:
    """Return the progress after one more fault, and whether its body is kept.

    ``wanted`` keeps it whatever the schedule says; it takes a place in it none the
    less.
    """
    # A clock that was set back by more must not hide faults until it has caught up.
    if not progress.started - _SKEW <= now < progress.started + rule.reset:
        progress = begun(now)
    if wanted or now >= next_time(rule, progress):
        return attrs.evolve(progress, kept=progress.kept + 1, last=now), True
    return attrs.evolve(progress, sampled=progress.sampled + 1), False
