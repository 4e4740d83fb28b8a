"""The address of a page with its query: where links of the same page lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import attrs

__all__ = ["Address"]


@attrs.frozen
class Address:
    """A path of this server, and the fields of its query in their order."""

    path: str
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, path: str, query: Mapping[str, Sequence[str]]) -> Address:
        """Return the address that was asked for; empty fields say nothing."""
        fields = ((n, v) for n, values in query.items() for v in values if v)
        return cls(path, tuple(fields))

    def with_(self, name: str, *values: str | int) -> Address:
        """Return the address where a field has these values alone; none: without it."""
        others = tuple(field for field in self.fields if field[0] != name)
        return attrs.evolve(
            self, fields=others + tuple((name, str(value)) for value in values)
        )

    def adding(self, name: str, value: str) -> Address:
        """Return the address where a field has this value, too."""
        field = (name, value)
        return self if field in self.fields else self._with(*self.fields, field)

    def without(self, name: str, value: str) -> Address:
        """Return the address without one value of a field."""
        return self._with(*(field for field in self.fields if field != (name, value)))

    def _with(self, *fields: tuple[str, str]) -> Address:
        return attrs.evolve(self, fields=fields)

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return urlencode(self.fields)

    def __str__(self) -> str:
        return f"{self.path}?{self.query}" if self.fields else self.path

    def values(self, name: str) -> tuple[str, ...]:
        """Return what stands in a field."""
        return tuple(value for field, value in self.fields if field == name)
