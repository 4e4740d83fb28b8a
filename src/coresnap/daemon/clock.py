"""The time that ages are counted by: a wall clock that is not believed at once.

A machine may start with a clock of 1970 and learn the time later, or be told 2099 by
mistake. Going back makes everything young, which removes nothing. A leap forward would
make everything old at once, so it counts only after it has lasted for a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

__all__ = ["PatientClock"]

_NANOSECONDS = 1_000_000_000
LEAP = 3600 * _NANOSECONDS
"""How far the wall clock may get ahead before it is a leap."""
PATIENCE = 24 * 3600 * _NANOSECONDS


def _elapsed() -> int:
    # Goes on while the machine sleeps, where there is such a clock (Linux).
    number = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(number)


@attrs.define
class PatientClock:
    """Believes the wall clock at first, and then only as far as time has passed."""

    wall: Callable[[], int] = time.time_ns
    """UTC nanoseconds."""
    elapsed: Callable[[], int] = _elapsed
    """Nanoseconds on a clock that nobody sets."""
    _believed: tuple[int, int] | None = None
    """Wall and elapsed time that belonged together when last believed."""
    _leapt: int | None = None
    """Elapsed time when the wall clock was first ahead."""

    def now(self) -> int:
        """Return UTC nanoseconds: the wall clock's, or less after a leap forward."""
        wall, elapsed = self.wall(), self.elapsed()
        if self._believed is not None:
            then, at = self._believed
            expected = then + elapsed - at
            if wall > expected + LEAP:
                if self._leapt is None:
                    self._leapt = elapsed
                if elapsed - self._leapt < PATIENCE:
                    return expected
        self._believed, self._leapt = (wall, elapsed), None
        return wall
