"""The small tables beside the faults: what was written, and which columns there are."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from coresnap.errors import DamagedIndexError
from coresnap.store.attributes.attribute import Kind
from coresnap.store.index.duckdb.engine import run
from coresnap.store.index.layout import (
    FIXED,
    GROUP_COLUMNS,
    INDEX_VERSION,
    INITIAL_COLUMNS,
    REST,
    SEQUENCE,
    Column,
    Layout,
)

__all__ = [
    "APPLIED",
    "GROUPS_REVISION",
    "HIDDEN_BEFORE",
    "PRINT",
    "bucket_table",
    "create_bucket",
    "create_tables",
    "fact",
    "insert_rows",
    "read_layout",
    "set_fact",
    "sql_type",
]

APPLIED = "applied"
"""Number of the last segment that was written."""
GROUPS_REVISION = "groups-revision"
HIDDEN_BEFORE = "hidden-before"
PRINT = "print"
"""Column of a fault with its fingerprint's number in the table ``fingerprint``: numbers
are grouped and joined faster than texts of 64 characters (ADR 41)."""
_VERSION = "version"
_TYPES = {
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.TEXT: "VARCHAR",
    Kind.LABELS: "VARCHAR",
}


def sql_type(kind: Kind) -> str:
    """Return the type of a column."""
    return _TYPES[kind]


def bucket_table(bucket: int) -> str:
    """Return the name of a bucket's table."""
    return f"fault_{bucket}"


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of a new file, or check those of an old one.

    Raises DamagedIndexError for an index of another version.
    """
    connection.begin()
    run(connection, "CREATE TABLE IF NOT EXISTS fact (name VARCHAR, value BIGINT)")
    version = fact(connection, _VERSION)
    if version == 0:
        _create(connection)
    connection.commit()
    if version not in (0, INDEX_VERSION):
        raise DamagedIndexError(
            f"the index has version {version}, this program reads {INDEX_VERSION}"
        )


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    run(
        connection,
        "CREATE TABLE attribute_column"
        " (place INTEGER, attribute VARCHAR, identifier VARCHAR, kind VARCHAR)",
    )
    insert_rows(
        connection,
        "attribute_column",
        [
            (place, column.attribute, column.identifier, column.kind.value)
            for place, column in enumerate(INITIAL_COLUMNS)
        ],
    )
    run(connection, "CREATE TABLE bucket (bucket INTEGER)")
    run(connection, "CREATE TABLE stray (bucket INTEGER, attribute VARCHAR)")
    run(connection, "CREATE TABLE asked (attribute VARCHAR, count DOUBLE)")
    run(connection, "CREATE TABLE fingerprint (id INTEGER, fingerprint VARCHAR)")
    columns = "".join(
        f', "{name}" {sql_type(kind)}' for name, kind in GROUP_COLUMNS.items()
    )
    run(
        connection,
        f'CREATE TABLE fault_group (fingerprint VARCHAR, "group" VARCHAR{columns})',
    )
    set_fact(connection, _VERSION, INDEX_VERSION)


def insert_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[tuple[object, ...]],
) -> None:
    """Insert a few rows into one of the small tables; at least one."""
    marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
    values = [value for row in rows for value in row]
    run(connection, f"INSERT INTO {table} VALUES {marks}", values)


def fact(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Return one of the numbers that are kept; 0 if it was never set."""
    rows = run(connection, "SELECT value FROM fact WHERE name = ?", [name])
    return int(rows[0][0]) if rows else 0


def set_fact(connection: duckdb.DuckDBPyConnection, name: str, value: int) -> None:
    """Keep one number, in the transaction that is under way."""
    run(connection, "DELETE FROM fact WHERE name = ?", [name])
    run(connection, "INSERT INTO fact VALUES (?, ?)", [name, value])


def read_layout(connection: duckdb.DuckDBPyConnection) -> Layout:
    """Return the layout as the transaction under way sees it."""
    columns = run(
        connection,
        "SELECT attribute, identifier, kind FROM attribute_column ORDER BY place",
    )
    buckets = run(connection, "SELECT bucket FROM bucket ORDER BY bucket")
    strays = run(connection, "SELECT bucket, attribute FROM stray")
    return Layout(
        columns=tuple(Column(name, sql, Kind(kind)) for name, sql, kind in columns),
        buckets=tuple(bucket for (bucket,) in buckets),
        strays=frozenset((bucket, name) for bucket, name in strays),
        hidden_before=fact(connection, HIDDEN_BEFORE),
    )


def create_bucket(
    connection: duckdb.DuckDBPyConnection, bucket: int, columns: tuple[Column, ...]
) -> None:
    """Make the table of one month, with the columns in the order of rows."""
    parts = [f'"{SEQUENCE}" BIGINT NOT NULL']
    parts += [
        f'"{column.identifier}" {sql_type(column.kind)}'
        + (" NOT NULL" if column.attribute in FIXED else "")
        for column in columns
    ]
    parts.append(f'"{REST}" MAP(VARCHAR, VARCHAR)')
    parts.append(f'"{PRINT}" INTEGER NOT NULL')
    run(connection, f"CREATE TABLE {bucket_table(bucket)} ({', '.join(parts)})")
    run(connection, "INSERT INTO bucket VALUES (?)", [bucket])
