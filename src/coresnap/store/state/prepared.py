"""Statements that every put needs, run by SQLite's driver itself.

SQLAlchemy takes 70 µs to run one that it has compiled already, SQLite 15: measured with
SQLAlchemy 2.1 and 2.0. A put has seven, while nobody else may write. What a statement
means, its types and its text for each database still come from SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import BindParameter, Connection, ReturnsRows, UpdateBase, exc
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

__all__ = ["Prepared"]

_Convert = Callable[[Any], Any]


class Prepared:
    """One statement, whose parameters are always of the same names."""

    def __init__(self, statement: UpdateBase | ReturnsRows) -> None:
        """Take a statement with ``bindparam``, or an insert of whole rows."""
        self._statement: Any = statement
        self._plan: _Plan | None = None

    def run(
        self, connection: Connection, parameters: Mapping[str, object]
    ) -> Sequence[Any]:
        """Run it in the transaction that has begun; return its rows, if it has any.

        Rows have their columns as attributes. Raises what SQLAlchemy raises.
        """
        if connection.dialect.name != "sqlite":
            result = connection.execute(self._statement, parameters)
            return result.all() if result.returns_rows else ()
        if self._plan is None:
            self._plan = _plan_of(self._statement, connection.dialect, parameters)
        return self._plan.run(connection, parameters)


@attrs.frozen
class _Plan:
    """How SQLite is asked."""

    text: str
    fixed: Mapping[str, object]
    """Values of parameters that the statement brings along."""
    parameters: Sequence[tuple[str, _Convert | None]]
    columns: Sequence[_Convert | None]
    make_row: Callable[[Sequence[Any]], Any]

    def run(self, connection: Connection, given: Mapping[str, object]) -> Sequence[Any]:
        values = {**self.fixed, **given}
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        try:
            converted = [
                values[name] if convert is None else convert(values[name])
                for name, convert in self.parameters
            ]
            return [
                self.make_row(self._converted(row))
                for row in driver.execute(self.text, converted)
            ]
        except sqlite3.Error as error:
            raise exc.DBAPIError.instance(
                self.text, None, error, sqlite3.Error, dialect=connection.dialect
            ) from error

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        return [
            value if convert is None else convert(value)
            for value, convert in zip(row, self.columns, strict=True)
        ]


def _plan_of(
    statement: Any,  # noqa: ANN401 - SQLAlchemy has no one class for all of them
    dialect: Dialect,
    parameters: Mapping[str, object],
) -> _Plan:
    compiled = statement.compile(dialect=dialect, column_keys=sorted(parameters))
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup is not None
    # These need SQLAlchemy's own run: defaults of columns, lists that are expanded.
    assert not compiled.insert_prefetch
    assert not compiled.update_prefetch
    assert not compiled.post_compile_params
    binds: Mapping[str, BindParameter[Any]] = compiled.binds
    names = compiled.positiontup
    columns = statement.exported_columns  # of an insert or update: what it returns
    row = namedtuple("row", columns.keys())  # type: ignore[misc]
    return _Plan(
        text=str(compiled),
        fixed={n: binds[n].effective_value for n in names if n not in parameters},
        parameters=[(name, _bound(binds[name].type, dialect)) for name in names],
        columns=[_resulting(column.type, dialect) for column in columns],
        make_row=row._make,
    )


def _bound(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _resulting(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
