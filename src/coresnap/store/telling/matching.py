"""What the index says of groups that a rule may be about."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import attrs

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.attributes.known import known
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.project import Project
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
from coresnap.store.query.result import Result
from coresnap.store.store import Store

__all__ = ["BATCH", "Matched", "Matching", "after"]

BATCH = 500
"""Groups in one look."""
_QUESTION = 100
"""Groups in one query: the conditions of a query are limited."""
_EVERYTHING: Filter = AllOf()


@attrs.frozen
class Matched:
    """The faults of a group that pass a filter."""

    count: int
    hosts: int


@attrs.define
class Matching:
    """Questions of one look: the index learns once what became of groups meanwhile."""

    store: Store
    project: Project
    _attributes: Mapping[str, Attribute] | None = None

    def match(
        self, groups: Collection[str], filter: Filter | None = None
    ) -> dict[str, Matched]:
        """Return the groups that have faults which pass. Raises QueryError."""
        wanted = list(groups)
        found: dict[str, Matched] = {}
        for first in range(0, len(wanted), _QUESTION):
            some = wanted[first : first + _QUESTION]
            query = Query(
                filter=AllOf((filter or _EVERYTHING, AnyOf(tuple(_are(some))))),
                group=("group",),
                folds=(Fold(FoldName.UNIQUE, "hostname"),),
                limit=len(some),
            )
            for group in self._ask(query).groups:
                hosts = group.folds[0]
                found[str(group.key[0])] = Matched(
                    group.count, hosts if isinstance(hosts, int) else 0
                )
        return found

    def _ask(self, query: Query) -> Result:
        if self._attributes is None:
            sync_groups(self.store, self.project)
            with self.store.state.read() as connection:
                self._attributes = known(connection, self.project)
        return self.store.index.query(self.project.id, query, self._attributes)


def _are(groups: Collection[str]) -> Iterator[Condition]:
    for group in groups:
        yield Condition("group", Operator.EQUAL, group)


def after(filter: Filter | None, received: int) -> Filter:
    """Return a filter of the faults that pass another one and came since a time."""
    since = Condition("timestamp.received", Operator.AT_LEAST, received)
    return AllOf((filter or _EVERYTHING, since))
