"""What a filter is compiled against: columns by the names of their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.fault import Value
from coresnap.store.query.sql.dialect import Dialect

__all__ = ["Columns"]


class Columns(Protocol):
    """Columns of faults, or of groups, and the values that a statement is given."""

    @property
    def names(self) -> Mapping[str, Attribute]:
        """Of the query."""

    @property
    def dialect(self) -> Dialect:
        """What differs from engine to engine."""

    def add(self, value: Value) -> str:
        """Return the SQL that stands for a value."""

    def column(self, name: str) -> str:
        """Return the SQL of an attribute's value."""
