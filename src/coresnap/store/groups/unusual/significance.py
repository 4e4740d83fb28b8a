"""How probable it is that chance alone makes a value so frequent in a group."""

from __future__ import annotations

from math import exp, lgamma

__all__ = ["probability_of", "ratio_of"]

_NEGLIGIBLE = 1e-12


def probability_of(inside: int, group: int, elsewhere: int, others: int) -> float:
    """Return the upper tail of the hypergeometric distribution (Fisher's exact test).

    ``inside`` of ``group`` faults have a value, and ``elsewhere`` of ``others``: how
    probable are so many of the group, if the group were drawn from all?
    """
    having, total = inside + elsewhere, group + others
    term = exp(
        _log_choose(having, inside)
        + _log_choose(total - having, group - inside)
        - _log_choose(total, group)
    )
    tail, first = 0.0, term
    for count in range(inside, min(group, having) + 1):
        tail += term
        if term < first * _NEGLIGIBLE:
            break
        lacking = total - having - group + count + 1
        term *= (having - count) * (group - count) / ((count + 1) * lacking)
    return min(1.0, tail)


def ratio_of(inside: int, group: int, elsewhere: int, others: int) -> float | None:
    """Return the share in the group by the share in others; None if those have none."""
    if not elsewhere or not group:
        return None
    return (inside / group) / (elsewhere / others)


def _log_choose(all_of_them: int, some: int) -> float:
    return lgamma(all_of_them + 1) - lgamma(some + 1) - lgamma(all_of_them - some + 1)
