"""The mirror of the groups' workflow: what queries join with each fault."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import msgspec

from coresnap.store.fault import Value
from coresnap.store.index.contract import IndexedGroup
from coresnap.store.index.duckdb.catalogue_tables import (
    GROUPS_REVISION,
    fact,
    set_fact,
    sql_type,
)
from coresnap.store.index.duckdb.engine import run
from coresnap.store.index.duckdb.project_file import ProjectFile
from coresnap.store.index.layout import GROUP_COLUMNS, group_row

__all__ = ["put_groups"]

_NAMES = ("fingerprint", "group", *GROUP_COLUMNS)


def put_groups(
    file: ProjectFile, groups: Iterable[IndexedGroup], revision: int
) -> None:
    """Replace what is known of some fingerprints, all at once or not at all."""
    rows = {group.fingerprint: group_row(group) for group in groups}
    with file.writing() as connection:
        if revision <= fact(connection, GROUPS_REVISION):
            return
        if rows:
            run(
                connection,
                "DELETE FROM fault_group"
                " WHERE fingerprint IN (SELECT unnest(?::VARCHAR[]))",
                [list(rows)],
            )
            _insert(connection, list(rows.values()))
        set_fact(connection, GROUPS_REVISION, revision)
    file.groups_revision = max(file.groups_revision, revision)


def _insert(
    connection: duckdb.DuckDBPyConnection, rows: list[tuple[Value | None, ...]]
) -> None:
    types = ["VARCHAR", "VARCHAR", *(sql_type(kind) for kind in GROUP_COLUMNS.values())]
    fields = {f"c{number}": kind for number, kind in enumerate(types)}
    schema = msgspec.json.encode([fields]).decode()
    names = ", ".join(f'"{name}"' for name in _NAMES)
    picked = ", ".join(f"r.{field}" for field in fields)
    run(
        connection,
        f"INSERT INTO fault_group ({names}) SELECT {picked}"
        f" FROM (SELECT unnest(from_json(?::JSON, '{schema}')) AS r)",
        [
            msgspec.json.encode(
                [dict(zip(fields, row, strict=True)) for row in rows]
            ).decode()
        ],
    )
