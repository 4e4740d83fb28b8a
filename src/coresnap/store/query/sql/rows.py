"""The faults of a statement: one column for each attribute that it uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.fault import Value
from coresnap.store.query.query import Derivation, Derived, TimeUnit
from coresnap.store.query.sql.dialect import Dialect
from coresnap.store.query.sql.parameters import Parameters
from coresnap.store.query.sql.relation import Relation

__all__ = ["PLACE", "SEQUENCE", "OfGroups", "Rows"]

SEQUENCE = "s"
"""Column of ``Rows.text`` with the fault's sequence."""
PLACE = "place"
"""Column of ``Rows.text`` with what ``Rows.place`` was told."""

_TIMES = 2**32
_SECONDS = {TimeUnit.HOUR: 3600, TimeUnit.DAY: 86400, TimeUnit.WEEK: 7 * 86400}
_MONDAY = 4 * 86400
"""1970-01-05; the epoch was a Thursday."""


@attrs.define
class Rows:
    """What one statement reads: collects columns, then is asked for its text."""

    relation: Relation
    names: Mapping[str, Attribute]
    """Of the query: ``vocabulary.vocabulary``."""
    derived: Mapping[str, Derived]
    until: int
    parameters: Parameters = attrs.field(
        default=attrs.Factory(
            lambda self: Parameters(self.relation.dialect.placeholder), takes_self=True
        )
    )
    _columns: dict[str, str] = attrs.field(factory=dict)
    _is_joined: bool = False
    _places: Mapping[str, int] | None = None
    _sequences: Sequence[int] | None = None

    @property
    def dialect(self) -> Dialect:
        """Of the relation."""
        return self.relation.dialect

    def add(self, value: Value) -> str:
        """Return the SQL that stands for a value."""
        return self.parameters.add(value)

    def column(self, name: str) -> str:
        """Return the name of the column with an attribute's values."""
        return self._named(self._expression(name))

    def _named(self, expression: str) -> str:
        for alias, known in self._columns.items():
            if known == expression:
                return alias
        alias = f"c{len(self._columns)}"
        self._columns[alias] = expression
        return alias

    def fingerprint(self) -> str:
        """Return the name of the column with what stands for the fingerprint."""
        return self._named(self.relation.fingerprint())

    def place(self, places: Mapping[str, int]) -> str:
        """Return the name of the column with the place of a fault's fingerprint.

        Faults whose fingerprint has no place are not there then.
        """
        self._places = places
        return PLACE

    def at(self, sequences: Sequence[int]) -> str:
        """Return the SQL of: the fault's sequence is one of some."""
        self._sequences = sequences
        return f"{SEQUENCE} IN ({', '.join(self.add(one) for one in sequences)})"

    def text(self) -> str:
        """Return what follows FROM: the columns that were asked for, and SEQUENCE."""
        sequence = self.relation.sequence
        items = {**self._columns, SEQUENCE: sequence}
        placed = ""
        if self._places is not None:
            items[PLACE] = f"p.{PLACE}"
            places = {self.add(text): place for text, place in self._places.items()}
            placed = self.relation.placed(places)
        source = self.relation.source(
            self.parameters, is_joined=self._is_joined, sequences=self._sequences
        )
        columns = ", ".join(f"{item} AS {alias}" for alias, item in items.items())
        until = self.add(self.until)
        return (
            f"(SELECT {columns} FROM {source}{placed} WHERE {sequence} <= {until}) AS r"
        )

    def _expression(self, name: str) -> str:
        column = self.derived.get(name)
        if column is None:
            self._is_joined |= name in JOINED
            return self.relation.column(self.names[name], self.parameters)
        base = self._expression(column.attribute)
        if column.operation is Derivation.TRUNCATE:
            return self._truncated(base, column)
        return self.quantized(base, column.width, self.names[column.attribute].kind)

    def quantized(self, number: str, width: float, kind: Kind) -> str:
        """Return the SQL of the next lower multiple of ``width``.

        NULL where it is none of 64 bits, or not finite.
        """
        if kind is Kind.INTEGER and float(width).is_integer():
            step = self.add(int(width))
            least = self.add(-(2**63))
            rest = f"(({number}) % {step} + {step}) % {step}"
            fits = f"({number}) >= {least} + {rest}"
            return f"CASE WHEN {fits} THEN ({number}) - {rest} END"
        step = self.add(float(width))
        double = self.dialect.double(number) if kind is Kind.INTEGER else number
        multiple = f"floor(({double}) / {step}) * {step}"
        return (
            f"CASE WHEN {self.dialect.is_finite(multiple)} THEN "
            f"CASE WHEN {multiple} = 0 THEN {self.add(0.0)} ELSE {multiple} END END"
        )

    def _truncated(self, time: str, column: Derived) -> str:
        """SQL of the time's begin of hour, day, …; NULL before 1970 and after 2106."""
        unit = column.unit or TimeUnit.DAY
        if unit in _SECONDS:
            begin = self.add(_MONDAY if unit is TimeUnit.WEEK else 0)
            step = self.add(_SECONDS[unit])
            rest = f"((({time}) - {begin}) % {step} + {step}) % {step}"
            start = f"({time}) - {rest}"
        else:
            start = self.dialect.calendar_start(self._within_times(time), unit)
        return f"CASE WHEN {self._is_time(time)} THEN {start} END"

    def _is_time(self, time: str) -> str:
        return f"({time}) >= {self.add(0)} AND ({time}) < {self.add(_TIMES)}"

    def _within_times(self, time: str) -> str:
        # an engine may compute both branches of a CASE
        return f"CASE WHEN {self._is_time(time)} THEN ({time}) ELSE {self.add(0)} END"


@attrs.frozen
class OfGroups:
    """The columns of groups, for a filter on what ``Relation.joined`` returns."""

    rows: Rows

    @property
    def names(self) -> Mapping[str, Attribute]:
        """Of the query."""
        return self.rows.names

    @property
    def dialect(self) -> Dialect:
        """Of the relation."""
        return self.rows.dialect

    def add(self, value: Value) -> str:
        """Return the SQL that stands for a value."""
        return self.rows.add(value)

    def column(self, name: str) -> str:
        """Return the SQL of an attribute of the group."""
        return self.rows.relation.column(self.names[name], self.rows.parameters)
