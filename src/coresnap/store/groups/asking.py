"""Whether a query asks about groups: only then the index has to know the latest."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.store.query.query import Condition, Filter, Query

__all__ = ["asks_of_groups"]

_WILDCARD = "*"


def asks_of_groups(query: Query) -> bool:
    """Return whether an answer depends on a group's id, state or numbers."""
    return any(
        name == "group" or name.startswith("group.") or _WILDCARD in name
        for name in _names(query)
    )


def _names(query: Query) -> Iterator[str]:
    yield from _filtered(query.filter)
    yield from query.group
    yield from query.select
    yield from (fold.attribute for fold in query.folds)
    yield from (derived.attribute for derived in query.derived)
    yield from (order.attribute for order in query.order)


def _filtered(part: Filter) -> Iterator[str]:
    if isinstance(part, Condition):
        yield part.attribute
        return
    for inner in part.parts:
        yield from _filtered(inner)
