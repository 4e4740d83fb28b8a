"""What the search asks of the index: a few queries for each attribute at most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value
from coresnap.store.index.contract import Index
from coresnap.store.project import Project
from coresnap.store.query.limits import FOLDS
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Fold,
    FoldName,
    Operator,
    Query,
)
from coresnap.store.query.result import Buckets, Result

__all__ = ["Counts"]

_VALUES = 20
"""Of one attribute, the group's most frequent ones."""
_INTERVALS = 64


class Counts:
    """Counts of values in a group and in what it is compared with, at one moment."""

    def __init__(
        self,
        index: Index,
        project: Project,
        group: str,
        known: Mapping[str, Attribute],
    ) -> None:
        """Count the faults; nothing that comes later is counted."""
        self._index = index
        self._project = project
        self._known = known
        self._group: Filter = Condition("group", Operator.EQUAL, group)
        self._all: Filter = AllOf()
        self._until: int | None = None
        everything = self._ask(self._all)
        self._until = everything.until
        self.faults = self._ask(self._group).faults
        self.others = everything.faults - self.faults

    def keep_to_application(self) -> None:
        """Compare with faults of the group's applications alone."""
        fold = Fold(FoldName.DISTRIBUTION, "application", size=_VALUES)
        (names,) = _buckets(self._ask(self._group, (fold,)))
        if names is None:
            return
        conditions = (Condition("application", Operator.EQUAL, n) for n in names.keys)
        self._all = AnyOf(tuple(conditions))
        self.others = max(0, self._ask(self._all).faults - self.faults)

    def present(self, attributes: Sequence[Attribute]) -> list[Attribute]:
        """Return the attributes that the group has, the most frequent first."""
        found: dict[str, int] = {}
        for some in _batches(attributes):
            folds = tuple(Fold(FoldName.COUNT, one.name) for one in some)
            result = self._ask(self._group, folds)
            for one, count in zip(some, result.groups[0].folds, strict=True):
                if isinstance(count, int) and count > 1:
                    found[one.name] = count
        names = sorted(found, key=lambda name: (-found[name], name))
        return [self._known[name] for name in names]

    def inside(self, attribute: Attribute) -> tuple[dict[Value, int], bool]:
        """Return the group's most frequent values, and whether there are others."""
        fold = Fold(FoldName.DISTRIBUTION, attribute.name, size=_VALUES)
        (buckets,) = _buckets(self._ask(self._group, (fold,)))
        if buckets is None:
            return {}, False
        return dict(zip(buckets.keys, buckets.counts, strict=True)), buckets.others > 0

    def everywhere(
        self, attribute: Attribute, values: Sequence[Value]
    ) -> dict[Value, int]:
        """Return how many faults have each of some values, the group's among them."""
        is_labels = attribute.kind is Kind.LABELS
        operator = Operator.CONTAINS if is_labels else Operator.EQUAL
        has_one = AnyOf(
            tuple(Condition(attribute.name, operator, value) for value in values)
        )
        # Labels bring others of theirs along.
        size = 1000 if is_labels else len(values)
        fold = Fold(FoldName.DISTRIBUTION, attribute.name, size=size)
        (buckets,) = _buckets(self._ask(AllOf((self._all, has_one)), (fold,)))
        if buckets is None:
            return {}
        return dict(zip(buckets.keys, buckets.counts, strict=True))

    def intervals(self, attribute: Attribute) -> tuple[Buckets, Buckets] | None:
        """Return counts in the same intervals, of the group and of everything."""
        span = self._ask(self._all, (Fold(FoldName.RANGE, attribute.name),))
        ends = span.groups[0].folds[0] if span.groups else None
        if not isinstance(ends, tuple) or len(ends) != 2:
            return None
        lower, upper = ends
        if not isinstance(lower, int | float) or not isinstance(upper, int | float):
            return None
        fold = Fold(
            FoldName.BIN, attribute.name, size=_INTERVALS, lower=lower, upper=upper
        )
        (group,) = _buckets(self._ask(self._group, (fold,)))
        (everything,) = _buckets(self._ask(self._all, (fold,)))
        if group is None or everything is None or group.keys != everything.keys:
            return None
        return group, everything

    def _ask(self, filter: Filter, folds: tuple[Fold, ...] = ()) -> Result:
        query = Query(filter=filter, folds=folds, limit=1, until=self._until)
        return self._index.query(self._project.id, query, self._known)


def _batches(attributes: Sequence[Attribute]) -> Iterator[tuple[Attribute, ...]]:
    for first in range(0, len(attributes), FOLDS):
        yield tuple(attributes[first : first + FOLDS])


def _buckets(result: Result) -> list[Buckets | None]:
    if not result.groups:
        return [None]
    return [
        fold if isinstance(fold, Buckets) else None for fold in result.groups[0].folds
    ]
