"""Intervals of equal width between two ends."""

from __future__ import annotations

import math

import attrs

__all__ = ["Intervals"]


@attrs.frozen
class Intervals:
    """Where the intervals of a ``bin`` are.

    Each begins at its edge and ends before the next one; the last one has its end, too.
    """

    lower: float
    upper: float
    width: float
    """0: all values are equal, or too near or far for intervals: there is one."""
    edges: tuple[float, ...]

    @classmethod
    def between(cls, lower: float, upper: float, size: int) -> Intervals:
        """Return ``size`` intervals; one, where they would have no width."""
        width = (upper - lower) / size
        last = lower + width * (size - 1)
        if not math.isfinite(width) or width <= 0 or not lower < last + width:
            return cls(lower, upper, 0.0, (lower,))
        edges = tuple(lower + width * n for n in range(size))
        return cls(lower, upper, width, edges)
