"""A project's faults for the compiler of queries: tables of months as one relation."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import duckdb

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value
from coresnap.store.index.duckdb.catalogue_tables import bucket_table, sql_type
from coresnap.store.index.duckdb.engine import run
from coresnap.store.index.layout import REST, SEQUENCE, Column, Layout
from coresnap.store.query.sql.dialect import Dialect
from coresnap.store.query.sql.duckdb import DuckDBDialect
from coresnap.store.query.sql.parameters import Parameters

__all__ = ["DuckDBRelation"]

_TEXTS = (Kind.TEXT, Kind.LABELS)


@attrs.define
class DuckDBRelation:
    """What one transaction sees of one project."""

    connection: duckdb.DuckDBPyConnection
    layout: Layout
    seconds: float
    """That each statement may take."""
    asked: Counter[str] = attrs.field(factory=Counter)
    """Attributes that were read from the map."""
    _used: dict[str, str] = attrs.field(init=False, factory=dict)
    """Columns that were asked for, and their types. Months have no others then: to
    bind 80 columns in each of 13 takes longer than most queries."""
    dialect: Dialect = attrs.field(init=False, factory=DuckDBDialect)
    sequence: str = attrs.field(init=False, default=f'f."{SEQUENCE}"')

    def source(self, parameters: Parameters, *, is_joined: bool) -> str:
        """Return all months that are not hidden, and the groups beside them."""
        if is_joined:
            self._use("fingerprint", "VARCHAR")
        tables = [self._table(bucket) for bucket in self.layout.buckets]
        if not tables:
            tables = [self._nothing()]
        faults = f"({' UNION ALL '.join(tables)}) AS f"
        if not is_joined:
            return faults
        return (
            f'{faults} LEFT JOIN fault_group AS g ON f."fingerprint" = g."fingerprint"'
        )

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
