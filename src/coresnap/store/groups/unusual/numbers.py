"""Attributes with many different numbers: where a group's lie lower, or higher."""

from __future__ import annotations

from itertools import accumulate

import attrs

from coresnap.store.query.query import Operator
from coresnap.store.query.result import Buckets

__all__ = ["Bound", "best_bound"]


@attrs.frozen
class Bound:
    """The bound beyond which a group has more than others."""

    bound: int | float
    comparison: Operator
    inside: int
    elsewhere: int


def best_bound(group: Buckets, all_of_them: Buckets) -> tuple[Bound | None, int]:
    """Return where two distributions are furthest apart, and how many bounds there are.

    Both have the same intervals. This is the place of the statistic of Kolmogorov and
    Smirnov, of the counts.
    """
    pairs = zip(group.counts, all_of_them.counts, strict=True)
    elsewhere = [max(0, every - own) for own, every in pairs]
    own_total, other_total = sum(group.counts), sum(elsewhere)
    if not own_total or not other_total or len(group.keys) < 2:
        return None, 0
    best, apart = None, 0.0
    below = accumulate(group.counts)
    below_elsewhere = accumulate(elsewhere)
    bounds = zip(group.keys[1:], below, below_elsewhere, strict=False)
    for bound, own, other in bounds:
        difference = own / own_total - other / other_total
        if abs(difference) <= apart or isinstance(bound, str):
            continue
        apart = abs(difference)
        if difference > 0:
            best = Bound(bound, Operator.LESS_THAN, own, other)
        else:
            best = Bound(bound, Operator.AT_LEAST, own_total - own, other_total - other)
    return best, len(group.keys) - 1
