"""The tables of one project, and what is known of them.

Several processes may write. So nothing here is read, changed and written back: facts
are maxima, rows of groups replace older revisions, strays only ever come.
"""

from __future__ import annotations

from coresnap.store.attributes.attribute import Kind
from coresnap.store.index.clickhouse.connection import Connection
from coresnap.store.index.layout import (
    GROUP_COLUMNS,
    INDEX_VERSION,
    INITIAL_COLUMNS,
    REST,
    SEQUENCE,
)

__all__ = [
    "APPLIED",
    "GROUPS_REVISION",
    "HIDDEN_BEFORE",
    "VERSION",
    "create_tables",
    "drop_tables",
    "fact",
    "fault_table",
    "group_table",
    "set_fact",
    "table",
]

APPLIED = "applied"
GROUPS_REVISION = "groups-revision"
HIDDEN_BEFORE = "hidden-before"
VERSION = "version"

_TYPES = {
    Kind.INTEGER: "Nullable(Int64)",
    Kind.NUMBER: "Nullable(Float64)",
    Kind.TEXT: "LowCardinality(Nullable(String))",
    Kind.LABELS: "LowCardinality(Nullable(String))",
}
_UNIQUE = ("object", "coresnap.object")
"""Attributes that hardly two faults share: a dictionary of them is as large."""
_REQUIRED = {
    "object": "String CODEC(ZSTD(3))",
    "fingerprint": "LowCardinality(String)",
    "timestamp": "Int64",
    "timestamp.received": "Int64",
}
_WINDOW = 1000  # segments whose replay is recognised; a replay is one of the last few


def table(part: str, project: int) -> str:
    """Return the name of one of a project's tables."""
    return f"{part}_{project:d}"


def fault_table(project: int) -> str:
    """Return the name of the table with the faults."""
    return table("fault", project)


def group_table(project: int) -> str:
    """Return the name of the table with the groups."""
    return table("fault_group", project)


def create_tables(connection: Connection, project: int) -> None:
    """Make what is not there yet."""
    connection.run(
        f"CREATE TABLE IF NOT EXISTS {table('fact', project)}"
        " (name String, value SimpleAggregateFunction(max, Int64))"
        " ENGINE = AggregatingMergeTree ORDER BY name"
    )
    connection.run(
        f"CREATE TABLE IF NOT EXISTS {table('stray', project)}"
        " (bucket Int32, attribute String)"
        " ENGINE = ReplacingMergeTree ORDER BY (bucket, attribute)"
    )
    connection.run(
        f"CREATE TABLE IF NOT EXISTS {table('asked', project)}"
        " (day Date, attribute String, count Float64)"
        " ENGINE = SummingMergeTree ORDER BY (day, attribute) TTL day + INTERVAL 8 DAY"
    )
    groups = ", ".join(
        f"`{name}` {_TYPES[kind]}" for name, kind in GROUP_COLUMNS.items()
    )
    connection.run(
        f"CREATE TABLE IF NOT EXISTS {group_table(project)}"
        f" (fingerprint String, `group` String, revision Int64, {groups})"
        " ENGINE = ReplacingMergeTree(revision) ORDER BY fingerprint"
    )
    _create_faults(connection, project)
    set_fact(connection, project, VERSION, INDEX_VERSION)


def _create_faults(connection: Connection, project: int) -> None:
    """Faults of one fingerprint lie together: what they share is stored once."""
    columns = ", ".join(
        f"`{column.identifier}` {_column_type(column.attribute, column.kind)}"
        for column in INITIAL_COLUMNS
    )
    connection.run(
        f"CREATE TABLE IF NOT EXISTS {fault_table(project)}"
        f" (`{SEQUENCE}` Int64, segment Int64, bucket Int32, {columns},"
        f" `{REST}` Map(LowCardinality(String), String))"
        " ENGINE = MergeTree PARTITION BY bucket"
        f" ORDER BY (fingerprint, `{SEQUENCE}`)"
        f" SETTINGS non_replicated_deduplication_window = {_WINDOW}"
    )


def _column_type(attribute: str, kind: Kind) -> str:
    if attribute in _REQUIRED:
        return _REQUIRED[attribute]
    if attribute in _UNIQUE:
        return "Nullable(String) CODEC(ZSTD(3))"
    return _TYPES[kind]


def drop_tables(connection: Connection, project: int) -> None:
    """Remove all of a project's tables, the facts last."""
    for part in ("fault", "fault_group", "stray", "asked", "fact"):
        connection.run(f"DROP TABLE IF EXISTS {table(part, project)} SYNC")


def fact(connection: Connection, project: int, name: str) -> int:
    """Return one of the numbers that are kept; 0 if it was never set."""
    rows = connection.run(
        f"SELECT max(value) FROM {table('fact', project)} WHERE name = {{name:String}}",
        {"name": name},
    )
    return int(rows[0][0]) if rows else 0


def set_fact(connection: Connection, project: int, name: str, value: int) -> None:
    """Keep a number, unless a greater one is kept."""
    connection.insert(table("fact", project), [{"name": name, "value": value}])
