"""One checked query on its way through an engine, in one or several statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.query.query import Condition, Filter, Query
from coresnap.store.query.sql.conditions import filter_sql
from coresnap.store.query.sql.relation import Relation
from coresnap.store.query.sql.rows import Rows

__all__ = ["Asking"]


@attrs.frozen
class Asking:
    """What all statements of one query have in common."""

    query: Query
    """Checked."""
    names: Mapping[str, Attribute]
    relation: Relation
    until: int

    def rows(self) -> Rows:
        """Return the faults for a new statement."""
        derived = {column.name: column for column in self.query.derived}
        return Rows(self.relation, self.names, derived, self.until)

    def where(self, rows: Rows) -> str:
        """Return the SQL of the query's filter."""
        return filter_sql(self.query.filter, rows)

    def asks_of_groups(self) -> bool:
        """Whether the filter asks about a fault's group."""
        return not JOINED.keys().isdisjoint(_attributes(self.query.filter))

    def run(self, statement: str, rows: Rows) -> list[tuple[Any, ...]]:
        """Run a statement with the values that ``rows`` collected."""
        settings = self.relation.dialect.settings
        return self.relation.run(statement + settings, rows.parameters.values)


def _attributes(part: Filter) -> set[str]:
    if isinstance(part, Condition):
        return {part.attribute}
    return set().union(*(_attributes(inner) for inner in part.parts))
