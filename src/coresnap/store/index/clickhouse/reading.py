"""What a query has to know of a project before it is compiled."""

from __future__ import annotations

from coresnap.store.index.clickhouse.connection import Connection
from coresnap.store.index.clickhouse.tables import HIDDEN_BEFORE, fault_table, table
from coresnap.store.index.layout import Layout

__all__ = ["read_promoted", "read_state"]


def read_state(connection: Connection, project: int) -> Layout:
    """Return the layout as it is now."""
    rows = connection.run(
        "SELECT 'bucket' AS part, toInt64(partition) AS number, '' AS attribute"
        " FROM system.parts WHERE active AND database = currentDatabase()"
        " AND table = {faults:String} GROUP BY partition"
        f" UNION ALL SELECT 'stray', bucket, attribute FROM {table('stray', project)}"
        f" UNION ALL SELECT 'hidden', max(value), '' FROM {table('fact', project)}"
        " WHERE name = {hidden:String}",
        {"faults": fault_table(project), "hidden": HIDDEN_BEFORE},
    )
    hidden = [number for part, number, _ in rows if part == "hidden"]
    return Layout(
        buckets=tuple(sorted(n for part, n, _ in rows if part == "bucket")),
        strays=frozenset((n, name) for part, n, name in rows if part == "stray"),
        hidden_before=hidden[0] if hidden else 0,
    )


def read_promoted(connection: Connection, project: int) -> dict[str, str]:
    """Return the columns of promoted attributes: the attribute is their comment."""
    rows = connection.run(
        "SELECT comment, name FROM system.columns WHERE database = currentDatabase()"
        " AND table = {faults:String} AND startsWith(name, 'promoted_')"
        " ORDER BY position",
        {"faults": fault_table(project)},
    )
    return {attribute: name for attribute, name in reversed(rows)}
