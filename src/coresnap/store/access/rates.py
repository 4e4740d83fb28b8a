"""How often somebody may ask: a bucket of requests that fills up again."""

from __future__ import annotations

import threading
from collections import OrderedDict

import attrs

__all__ = ["Rates"]

_BUCKETS = 10_000
"""Buckets that are remembered; the one that was used longest ago goes first."""


@attrs.define
class Rates:
    """Token buckets, by key. May be used from several threads."""

    rate: float
    """Requests a second; 0 for no limit."""
    burst: float
    """Requests that may come at once."""
    _buckets: OrderedDict[str, tuple[float, float]] = attrs.field(factory=OrderedDict)
    """Key to what is in it, and when that was so."""
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def take(self, key: str, now: float) -> float:
        """Take one request at the monotonic time ``now``; return 0, or if there is none
        in the bucket the seconds until there is one."""
        if self.rate <= 0:
            return 0
        with self._lock:
            level = self._level(key, now)
            missing = 1 - level
            if missing <= 0:
                level -= 1
            self._put(key, level, now)
        return max(0.0, missing) / self.rate

    def wait(self, key: str, now: float) -> float:
        """Return what ``take`` would, and take nothing."""
        if self.rate <= 0:
            return 0
        with self._lock:
            return max(0.0, 1 - self._level(key, now)) / self.rate

    def _level(self, key: str, now: float) -> float:
        level, since = self._buckets.get(key, (self.burst, now))
        return min(self.burst, level + (now - since) * self.rate)

    def _put(self, key: str, level: float, now: float) -> None:
        self._buckets[key] = (level, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > _BUCKETS:
            self._buckets.popitem(last=False)
