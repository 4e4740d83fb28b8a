"""Where SQLite and PostgreSQL differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Table,
    TypeDecorator,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import ReturningInsert

__all__ = [
    "JSON",
    "Hexadecimal",
    "insert_or_ignore",
    "lock",
    "read_isolation",
    "release_server_lock",
    "try_server_lock",
    "upsert",
    "upsert_returning",
]

JSON = sqlalchemy.JSON().with_variant(postgresql.JSONB(), "postgresql")
"""Of a column: what ``json`` can write."""

_LOCKS = 0x0C04E  # first half of our advisory locks: others use the server, too


class Hexadecimal(TypeDecorator[str]):
    """Hexadecimal digits, kept as bytes: half the size."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Return what is kept."""
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401 - the driver's
        """Return the digits, in lower case."""
        return None if value is None else bytes(value).hex()


def insert_or_ignore(
    connection: Connection, table: Table, values: Mapping[str, Any]
) -> bool:
    """Insert a row unless one like it is there; return whether there was none."""
    insert = _insert(connection.dialect.name, table)
    done = connection.execute(insert.on_conflict_do_nothing(), values)
    return done.rowcount > 0


def upsert(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],
    keys: Sequence[str],
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Insert a row, or change the one that has the same ``keys``.

    ``changes`` are columns to values or expressions; without them all of ``values``
    that are no keys are taken over.
    """
    insert = _insert(connection.dialect.name, table)
    if changes is None:
        changes = {name: insert.excluded[name] for name in values if name not in keys}
    change = insert.on_conflict_do_update(index_elements=list(keys), set_=dict(changes))
    connection.execute(change, values)


def upsert_returning(
    dialect: str,
    table: Table,
    keys: Sequence[str],
    changes: Mapping[str, Any],
    returning: Sequence[ColumnElement[Any]],
) -> ReturningInsert[Any]:
    """Make the same statement, which returns ``returning`` of the row as it is then.

    The values are its parameters.
    """
    insert = _insert(dialect, table)
    change = insert.on_conflict_do_update(index_elements=list(keys), set_=dict(changes))
    return change.returning(*returning)


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def lock(connection: Connection, number: int) -> None:
    """Wait until no other transaction holds the lock ``number``, and hold it.

    In SQLite whoever writes holds every lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_LOCKS, number))
        )


def try_server_lock(connection: Connection, number: int) -> bool:
    """Take the lock ``number`` until it is given back, or the connection ends.

    Return False, at once, if somebody else has it. PostgreSQL only.
    """
    take = sqlalchemy.func.pg_try_advisory_lock(_LOCKS, number)
    return bool(connection.execute(sqlalchemy.select(take)).scalar())


def release_server_lock(connection: Connection, number: int) -> None:
    """Give the lock back."""
    give = sqlalchemy.func.pg_advisory_unlock(_LOCKS, number)
    connection.execute(sqlalchemy.select(give))


def read_isolation(connection: Connection) -> None:
    """Make the next transaction see one state; SQLite's do already."""
    if connection.dialect.name == "postgresql":
        connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
