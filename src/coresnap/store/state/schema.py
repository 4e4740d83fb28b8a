"""The tables' making, and what was changed about them since they were first made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Table,
    insert,
    inspect,
    select,
    update,
)

from coresnap.errors import StorageError
from coresnap.store.state.dialect import insert_or_ignore, lock
from coresnap.store.state.tables import METADATA
from coresnap.store.state.tables.faults import LAST_SEQUENCE

__all__ = ["MIGRATIONS", "Migration", "prepare_schema"]

_LOCK = 0
"""Projects have the numbers from 1 on."""
_VERSION = Table("schema_version", METADATA, Column("version", Integer, nullable=False))


@attrs.frozen
class Migration:
    """One change of tables that are there already; new tables need none."""

    version: int
    """What the schema is after it; ascending, without gaps, from 2."""
    apply: Callable[[Connection], None]


MIGRATIONS: tuple[Migration, ...] = ()


def prepare_schema(
    connection: Connection, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Create what is not there and change what is older than we are.

    Raises StorageError for tables of a newer version, which are left alone.
    """
    lock(connection, _LOCK)  # several servers may start at once
    _VERSION.create(connection, checkfirst=True)
    newest = migrations[-1].version if migrations else 1
    version = connection.execute(select(_VERSION.c.version)).scalar()
    if version is not None and version > newest:
        raise StorageError(
            f"the state was written by a newer coresnap: its tables are of version "
            f"{version}, and this one knows {newest}",
            remedy="Run the newer version, or restore a backup that is older than it.",
        )
    # One question for all of them: create_all asks for each.
    there = set(inspect(connection).get_table_names())
    missing = [table for table in METADATA.sorted_tables if table.name not in there]
    METADATA.create_all(connection, missing, checkfirst=False)
    insert_or_ignore(connection, LAST_SEQUENCE, {"id": 1, "value": 0})
    if version is None:
        connection.execute(insert(_VERSION).values(version=newest))
        return
    for migration in migrations:
        if migration.version > version:
            migration.apply(connection)
    connection.execute(update(_VERSION).values(version=newest))
