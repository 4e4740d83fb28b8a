"""One checked query on its way through an engine, in one or several statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.query.query import Query
from coresnap.store.query.sql.conditions import filter_sql
from coresnap.store.query.sql.filter_parts import FilterParts
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

    def parts(self) -> FilterParts | None:
        """Return what the filter says of faults and of groups; None where it mixes."""
        return FilterParts.of(self.query.filter)

    def run(self, statement: str, rows: Rows) -> list[tuple[Any, ...]]:
        """Run a statement with the values that ``rows`` collected."""
        settings = self.relation.dialect.settings
        return self.relation.run(statement + settings, rows.parameters.values)
