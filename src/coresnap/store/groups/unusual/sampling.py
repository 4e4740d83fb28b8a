"""Faults to look at: all of a small group, a part of what is large.

Which part is told by object ids: these are random, or digests, so that those below a
bound are a sample; and the same one each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.fault import Value
from coresnap.store.index.contract import Index
from coresnap.store.project import Project
from coresnap.store.query.limits import SELECT
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Fold,
    FoldName,
    NoneOf,
    Operator,
    Query,
)
from coresnap.store.query.result import Buckets, Result

__all__ = ["Faults", "Sample"]

_BITS = 128
"""Of an object id."""
_APPLICATIONS = 20
_SPARE = 1.5
"""So much more can be below the bound by chance."""


@attrs.frozen
class Sample:
    """Values of some faults, attribute by attribute."""

    size: int
    values: Mapping[str, list[Value]]
    """By attribute: the values of those faults that have it; no empty lists."""


class Faults:
    """The faults of a group, and those that it is compared with, at one moment."""

    def __init__(
        self,
        index: Index,
        project: Project,
        group: str,
        known: Mapping[str, Attribute],
        *,
        same_application: bool,
    ) -> None:
        """Count both; nothing that comes later is looked at."""
        self._index = index
        self._project = project
        self._known = known
        self._group: Filter = Condition("group", Operator.EQUAL, group)
        self._until: int | None = None
        first = self._ask(Query(filter=self._group, limit=1))
        self._until = first.until
        self.count = first.faults
        base = self._applications() if same_application else AllOf()
        everything = self._ask(Query(filter=base, limit=1)).faults
        self._others: Filter = AllOf((base, NoneOf((self._group,))))
        self.others = max(0, everything - self.count)

    def group_sample(self, most: int, names: Sequence[str]) -> Sample:
        """Return attributes of about ``most`` faults of the group at most."""
        return self._sample(self._group, self.count, most, names)

    def others_sample(self, most: int, names: Sequence[str]) -> Sample:
        """The same of the other faults."""
        return self._sample(self._others, self.others, most, names)

    def _sample(
        self, filter: Filter, total: int, most: int, names: Sequence[str]
    ) -> Sample:
        if total > most:
            bound = f"{(most << _BITS) // total:032x}"
            below = Condition("object", Operator.LESS_THAN, bound)
            filter = AllOf((below, filter))
        values: dict[str, list[Value]] = {}
        size = 0
        for first in range(0, len(names), SELECT):
            some = tuple(names[first : first + SELECT])
            query = Query(filter=filter, select=some, limit=int(_SPARE * most))
            rows = self._ask(query).rows
            size = len(rows)
            columns = zip(*(row.values for row in rows), strict=True)
            for name, column in zip(some, columns, strict=False):
                own = [value for value in column if value is not None]
                if own:
                    values[name] = own
        return Sample(size, values)

    def _applications(self) -> Filter:
        fold = Fold(FoldName.DISTRIBUTION, "application", size=_APPLICATIONS)
        result = self._ask(Query(filter=self._group, folds=(fold,), limit=1))
        buckets = result.groups[0].folds[0] if result.groups else None
        if not isinstance(buckets, Buckets):
            return AllOf()
        names = (Condition("application", Operator.EQUAL, n) for n in buckets.keys)
        return AnyOf(tuple(names))

    def _ask(self, query: Query) -> Result:
        pinned = Query(
            filter=query.filter,
            select=query.select,
            folds=query.folds,
            limit=query.limit,
            until=self._until,
        )
        return self._index.query(self._project.id, pinned, self._known)
