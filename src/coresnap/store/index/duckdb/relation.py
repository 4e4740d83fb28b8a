"""A project's faults for the compiler of queries: tables of months as one relation."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import duckdb

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value
from coresnap.store.index.duckdb.catalogue_tables import PRINT, bucket_table, sql_type
from coresnap.store.index.duckdb.engine import run
from coresnap.store.index.duckdb.project_file import Ranges, last_of
from coresnap.store.index.layout import REST, SEQUENCE, Column, Layout
from coresnap.store.query.sql.dialect import Dialect
from coresnap.store.query.sql.duckdb import DuckDBDialect
from coresnap.store.query.sql.parameters import Parameters

__all__ = ["DuckDBRelation"]

_TEXTS = (Kind.TEXT, Kind.LABELS)
_GROUPS = ' LEFT JOIN fault_group AS g ON f."fingerprint" = g."fingerprint"'


@attrs.define
class DuckDBRelation:
    """What one transaction sees of one project."""

    connection: duckdb.DuckDBPyConnection
    layout: Layout
    ranges: Ranges
    """Of the faults that are to be seen."""
    seconds: float
    """That each statement may take."""
    asked: Counter[str] = attrs.field(factory=Counter)
    """Attributes that were read from the map."""
    _used: dict[str, str] = attrs.field(init=False, factory=dict)
    """Columns that a statement asked for, and their types. Months have no others then:
    to bind 80 columns in each of 13 takes longer than most queries."""
    dialect: Dialect = attrs.field(init=False, factory=DuckDBDialect)
    sequence: str = attrs.field(init=False, default=f'f."{SEQUENCE}"')

    def fingerprint(self) -> str:
        """Return the number of a fault's fingerprint."""
        return self._use(PRINT, "INTEGER")

    def source(
        self,
        parameters: Parameters,
        *,
        is_joined: bool,
        sequences: Sequence[int] | None = None,
    ) -> str:
        """Return all months that are not hidden, and the groups beside them."""
        if is_joined:
            self._use("fingerprint", "VARCHAR")
        tables = [self._table(bucket) for bucket in self._months(sequences)]
        if not tables:
            tables = [self._nothing()]
        self._used.clear()
        faults = f"({' UNION ALL '.join(tables)}) AS f"
        return f"{faults}{_GROUPS}" if is_joined else faults

    def joined(self, rows: str) -> str:
        """Return rows that have a fingerprint, and its group beside each."""
        named = f"SELECT r.*, d.fingerprint FROM {rows} AS r JOIN fingerprint AS d"
        return f"({named} ON r.{PRINT} = d.id) AS f{_GROUPS}"

    def placed(self, places: Mapping[str, int]) -> str:
        """Return what joins the place of each fault's fingerprint, as p."""
        pairs = ", ".join(f"({text}, {place:d})" for text, place in places.items())
        return (
            f" JOIN (SELECT d.id, v.place FROM (VALUES {pairs}) AS v(name, place)"
            " JOIN fingerprint AS d ON d.fingerprint = v.name) AS p"
            f" ON {self.fingerprint()} = p.id"
        )

    def members(
        self, groups: Sequence[str], names: Sequence[str], most: int
    ) -> list[tuple[Any, ...]]:
        """Return fingerprints of groups, or called as one, with ``names`` of each."""
        columns = ", ".join(f'"{name.removeprefix("group.")}"' for name in names)
        values = {f"g{number}": group for number, group in enumerate(groups)}
        marks = ", ".join(f"${name}" for name in values)
        return run(
            self.connection,
            f"SELECT fingerprint, {columns} FROM fault_group"
            f' WHERE "group" IN ({marks}) OR fingerprint IN ({marks}) LIMIT {most:d}',
            values,
        )

    def last_sequence(self) -> int:
        """Return the sequence of the last fault that is to be seen."""
        return last_of(self.ranges)

    def column(self, attribute: Attribute, parameters: Parameters) -> str:
        """Return an attribute's value under its kind of now."""
        name = attribute.name
        if name == "group":
            return f'coalesce(g."group", {self._use("fingerprint", "VARCHAR")})'
        if name.startswith("group."):
            return f'g."{name.removeprefix("group.")}"'
        column = self.layout.by_attribute.get(name)
        if column is None:
            self.asked[name] += 1
            return self._of_map(attribute, parameters)
        typed = self._of_column(column, attribute.kind)
        if not self.layout.has_strays(name):
            return typed
        return f"coalesce({typed}, {self._of_map(attribute, parameters)})"

    def run(self, statement: str, values: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        """Run one statement, and give it up when its time is over."""
        timer = threading.Timer(self.seconds, self.connection.interrupt)
        timer.start()
        try:
            return run(self.connection, statement, dict(values))
        finally:
            timer.cancel()

    def refusal(self, pattern: str) -> str | None:
        """Return what RE2 says about a pattern that it does not take."""
        try:
            run(self.connection, "SELECT regexp_matches('', ?)", [pattern])
        except duckdb.InvalidInputException as error:
            return str(error).partition("\n")[0].removeprefix("Invalid Input Error: ")
        return None

    def _months(self, sequences: Sequence[int] | None) -> Iterator[int]:
        """Yield the months that can have one of ``sequences``; all for None."""
        for bucket in self.layout.buckets:
            first, last = self.ranges.get(bucket, (0, 2**63))
            if sequences is None or any(first <= s <= last for s in sequences):
                yield bucket

    def _table(self, bucket: int) -> str:
        columns = "".join(f', "{identifier}"' for identifier in self._used)
        table = f'SELECT "{SEQUENCE}"{columns} FROM {bucket_table(bucket)}'
        if not self.layout.hidden_before:
            return table
        return f'{table} WHERE "timestamp.received" >= {self.layout.hidden_before:d}'

    def _nothing(self) -> str:
        columns = "".join(
            f', NULL::{kind} AS "{identifier}"'
            for identifier, kind in self._used.items()
        )
        return f'SELECT NULL::BIGINT AS "{SEQUENCE}"{columns} WHERE false'

    def _use(self, identifier: str, kind: str) -> str:
        self._used[identifier] = kind
        return f'f."{identifier}"'

    def _of_map(self, attribute: Attribute, parameters: Parameters) -> str:
        rest = self._use(REST, "MAP(VARCHAR, VARCHAR)")
        text = f"{rest}[{parameters.add(attribute.name)}]"
        return self._of_text(text, attribute.kind)

    def _of_column(self, column: Column, kind: Kind) -> str:
        value = self._use(column.identifier, sql_type(column.kind))
        if kind is column.kind or (kind in _TEXTS and column.kind in _TEXTS):
            return value
        if kind is Kind.NUMBER and column.kind is Kind.INTEGER:
            return self.dialect.double(value)
        text = value if column.kind in _TEXTS else f"CAST({value} AS VARCHAR)"
        return self._of_text(text, kind)

    def _of_text(self, text: str, kind: Kind) -> str:
        if kind is Kind.INTEGER:
            return self.dialect.integer_of_text(text)
        if kind is Kind.NUMBER:
            return self.dialect.number_of_text(text)
        return text
