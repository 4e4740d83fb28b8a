"""Attributes with many different numbers: where a group's lie lower, or higher."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import attrs

from coresnap.store.query.query import Operator

__all__ = ["Bound", "best_bound"]

_BOUNDS = 64


@attrs.frozen
class Bound:
    """The bound beyond which a group has more than others."""

    bound: int | float
    comparison: Operator
    inside: int
    elsewhere: int


def best_bound(
    group: Sequence[int | float], others: Sequence[int | float]
) -> tuple[Bound | None, int]:
    """Return where two samples are furthest apart, and how many bounds were tried.

    This is the place of the statistic of Kolmogorov and Smirnov, among quantiles of
    both samples together.
    """
    own, other = sorted(group), sorted(others)
    together = sorted((*own, *other))
    step = max(1, len(together) // _BOUNDS)
    bounds = sorted(set(together[step::step]))
    best, apart = None, 0.0
    for bound in bounds:
        below, below_elsewhere = bisect_left(own, bound), bisect_left(other, bound)
        difference = below / len(own) - (below_elsewhere / len(other) if other else 0)
        if abs(difference) <= apart:
            continue
        apart = abs(difference)
        if difference > 0:
            best = Bound(bound, Operator.LESS_THAN, below, below_elsewhere)
        else:
            best = Bound(
                bound,
                Operator.AT_LEAST,
                len(own) - below,
                len(other) - below_elsewhere,
            )
    return best, len(bounds)
