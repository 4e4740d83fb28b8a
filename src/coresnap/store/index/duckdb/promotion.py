"""Attributes that are asked for often get a column of their own.

The column is added to all months at once and empty; what is in the map by then counts
as stray, so answers stay the same. Then the values move, month by month, each in a
transaction.
"""

from __future__ import annotations

from coresnap.store.attributes.attribute import Kind
from coresnap.store.index.duckdb.catalogue_tables import bucket_table, insert_rows
from coresnap.store.index.duckdb.engine import run
from coresnap.store.index.duckdb.project_file import ProjectFile
from coresnap.store.index.layout import INITIAL_COLUMNS, REST

__all__ = ["MOST_PROMOTED", "PROMOTED_AT", "promote_asked"]

PROMOTED_AT = 100
"""Queries that have to ask for an attribute; older ones count less and less."""
MOST_PROMOTED = 64
"""Columns that a project can have beside the known attributes."""
_KEPT = 0.5  # of a count, each time it is looked at


def promote_asked(file: ProjectFile) -> None:
    """Count what was asked for, and move what was asked for often."""
    for attribute in _note_asked(file):
        _add_column(file, attribute)
    for bucket, attribute in sorted(file.layout.strays):
        column = file.layout.by_attribute.get(attribute)
        if column is not None and column not in INITIAL_COLUMNS:
            _move_values(file, bucket, attribute)


def _note_asked(file: ProjectFile) -> list[str]:
    """Add the new counts to the old ones; return what passes the mark."""
    asked, file.asked = file.asked, type(file.asked)()
    if not asked:
        return []
    with file.writing() as connection:
        run(connection, "UPDATE asked SET count = count * ?", [_KEPT])
        insert_rows(connection, "asked", list(asked.items()))
        rows = run(
            connection,
            "SELECT attribute, sum(count) AS total FROM asked GROUP BY attribute"
            " ORDER BY total DESC, attribute",
        )
        kept = [(name, total) for name, total in rows if total >= 1]
        run(connection, "DELETE FROM asked")
        if kept:
            insert_rows(connection, "asked", kept)
    room = MOST_PROMOTED - (len(file.layout.columns) - len(INITIAL_COLUMNS))
    known = file.layout.by_attribute
    often = [n for n, total in rows if total >= PROMOTED_AT and n not in known]
    return often[: max(room, 0)]


def _add_column(file: ProjectFile, attribute: str) -> None:
    """Give an attribute a column of texts: those are right for every kind."""
    with file.writing() as connection:
        place = len(file.layout.columns)
        identifier = f"promoted_{place}"
        run(
            connection,
            "INSERT INTO attribute_column VALUES (?, ?, ?, ?)",
            [place, attribute, identifier, Kind.TEXT.value],
        )
        for bucket in file.layout.buckets:
            run(
                connection,
                f'ALTER TABLE {bucket_table(bucket)} ADD COLUMN "{identifier}" VARCHAR',
            )
            run(connection, "INSERT INTO stray VALUES (?, ?)", [bucket, attribute])
        run(connection, "DELETE FROM asked WHERE attribute = ?", [attribute])


def _move_values(file: ProjectFile, bucket: int, attribute: str) -> None:
    """Write a month again with an attribute's values in its column."""
    with file.writing() as connection:
        layout = file.layout
        if (bucket, attribute) not in layout.strays:
            return
        identifier = layout.by_attribute[attribute].identifier
        table = bucket_table(bucket)
        run(
            connection,
            f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE ("
            f'coalesce("{identifier}", "{REST}"[$name]) AS "{identifier}",'
            f' map_from_entries(list_filter(map_entries("{REST}"),'
            f' lambda e: e.key <> $name)) AS "{REST}") FROM {table}',
            {"name": attribute},
        )
        run(
            connection,
            "DELETE FROM stray WHERE bucket = ? AND attribute = ?",
            [bucket, attribute],
        )
