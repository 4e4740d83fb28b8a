"""A project's faults for the compiler of queries, in ClickHouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from coresnap.errors import StorageError
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value
from coresnap.store.index.clickhouse.connection import Connection
from coresnap.store.index.clickhouse.tables import fault_table, group_table
from coresnap.store.index.layout import GROUP_COLUMNS, REST, SEQUENCE, Column, Layout
from coresnap.store.query.sql.clickhouse import ClickHouseDialect
from coresnap.store.query.sql.dialect import Dialect
from coresnap.store.query.sql.parameters import Parameters

__all__ = ["ClickHouseRelation"]

_TEXTS = (Kind.TEXT, Kind.LABELS)


@attrs.define
class ClickHouseRelation:
    """One project as it is while a query is answered."""

    connection: Connection
    project: int
    layout: Layout
    promoted: Mapping[str, str]
    """Attribute to the column that is computed from the map, and kept."""
    seconds: float
    """That each statement may take."""
    asked: Counter[str] = attrs.field(factory=Counter)
    """Attributes that were read from the map."""
    dialect: Dialect = attrs.field(init=False, factory=ClickHouseDialect)
    sequence: str = attrs.field(init=False, default=f"f.`{SEQUENCE}`")

    def source(
        self,
        parameters: Parameters,
        *,
        is_joined: bool,
        sequences: Sequence[int] | None = None,
    ) -> str:
        """Return the faults that are not hidden, and the groups beside them."""
        faults = f"{fault_table(self.project)} AS f"
        if self.layout.hidden_before:
            faults = (
                f"(SELECT * FROM {fault_table(self.project)} WHERE"
                f" `timestamp.received` >= {self.layout.hidden_before:d}) AS f"
            )
        return f"{faults}{self._groups()}" if is_joined else faults

    def fingerprint(self) -> str:
        """Return a fault's fingerprint itself."""
        return "f.fingerprint"

    def joined(self, rows: str) -> str:
        """Return rows that have a fingerprint, and its group beside each."""
        return f"(SELECT *, print AS fingerprint FROM {rows}) AS f{self._groups()}"

    def placed(self, places: Mapping[str, int]) -> str:
        """Return what joins the place of each fault's fingerprint, as p."""
        pairs = ", ".join(f"({text}, {place:d})" for text, place in places.items())
        return (
            " JOIN (SELECT pair.1 AS fingerprint, toInt64(pair.2) AS place FROM"
            f" (SELECT arrayJoin([{pairs}]) AS pair)) AS p"
            " ON f.fingerprint = p.fingerprint"
        )

    def members(
        self, groups: Sequence[str], names: Sequence[str], most: int
    ) -> list[tuple[Any, ...]]:
        """Return fingerprints of groups, or called as one, with ``names`` of each."""
        columns = ", ".join(f"`{name.removeprefix('group.')}`" for name in names)
        values: dict[str, Value] = {f"g{n}": name for n, name in enumerate(groups)}
        listed = ", ".join(self.dialect.placeholder(n, v) for n, v in values.items())
        return self.run(
            f"SELECT fingerprint, {columns} FROM {group_table(self.project)} FINAL"
            f" WHERE `group` IN ({listed}) OR fingerprint IN ({listed})"
            f" LIMIT {most:d}{self.dialect.settings}",
            values,
        )

    def last_sequence(self) -> int:
        """Return the sequence of the last fault that is to be seen."""
        source = self.source(Parameters(self.dialect.placeholder), is_joined=False)
        ((last,),) = self.run(f"SELECT max({self.sequence}) FROM {source}", {})
        return int(last or 0)

    def column(self, attribute: Attribute, parameters: Parameters) -> str:
        """Return an attribute's value under its kind of now."""
        name = attribute.name
        if name == "group":
            return "ifNull(g.`group`, f.fingerprint)"
        if name.startswith("group."):
            return f"g.`{name.removeprefix('group.')}`"
        column = self.layout.by_attribute.get(name)
        if column is None:
            return self._of_text(self._rest(name, parameters), attribute.kind)
        typed = self._of_column(column, attribute.kind)
        if not self.layout.has_strays(name):
            return typed
        rest = self._of_text(self._rest(name, parameters), attribute.kind)
        return f"coalesce({typed}, {rest})"

    def run(self, statement: str, values: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        """Run one statement, and give it up when its time is over."""
        return self.connection.run(statement, values, self.seconds)

    def refusal(self, pattern: str) -> str | None:
        """Return what RE2 says about a pattern that it does not take."""
        try:
            self.connection.run("SELECT match('', {p:String})", {"p": pattern})
        except StorageError as error:
            if "CANNOT_COMPILE_REGEXP" in str(error):
                return str(error).partition("DB::Exception: ")[2] or str(error)
            raise
        return None

    def _groups(self) -> str:
        names = ", ".join(f"`{name}`" for name in GROUP_COLUMNS)
        return (
            " LEFT JOIN (SELECT fingerprint, toNullable(`group`) AS `group`,"
            f" {names} FROM {group_table(self.project)} FINAL) AS g"
            " ON f.fingerprint = g.fingerprint"
        )

    def _rest(self, name: str, parameters: Parameters) -> str:
        column = self.promoted.get(name)
        if column is not None:
            return f"f.`{column}`"
        self.asked[name] += 1
        key = parameters.add(name)
        return f"if(mapContains(f.`{REST}`, {key}), f.`{REST}`[{key}], NULL)"

    def _of_column(self, column: Column, kind: Kind) -> str:
        value = f"f.`{column.identifier}`"
        if kind is column.kind or (kind in _TEXTS and column.kind in _TEXTS):
            return value
        if kind is Kind.NUMBER and column.kind is Kind.INTEGER:
            return self.dialect.double(value)
        return self._of_text(_text_of(value, column.kind), kind)

    def _of_text(self, text: str, kind: Kind) -> str:
        if kind is Kind.INTEGER:
            return self.dialect.integer_of_text(text)
        if kind is Kind.NUMBER:
            return self.dialect.number_of_text(text)
        return text


def _text_of(value: str, kind: Kind) -> str:
    """Return the SQL of ``values.as_text`` of what a column of ``kind`` can hold."""
    if kind is Kind.NUMBER:
        text = f"toString({value})"
        return f"if(position({text}, '.') > 0, {text}, concat({text}, '.0'))"
    return value if kind in _TEXTS else f"toString({value})"
