"""Attributes that are asked for often, or that many faults have, get a column.

The column is added to all months at once and empty; what is in the map by then counts
as stray, so answers stay the same. Then the values move, month by month, each in a
transaction.
"""

from __future__ import annotations

from coresnap.store.attributes.attribute import Kind
from coresnap.store.index.duckdb.catalogue_tables import bucket_table, insert_rows
from coresnap.store.index.duckdb.engine import run
from coresnap.store.index.duckdb.project_file import ProjectFile
from coresnap.store.index.layout import INITIAL_COLUMNS, REST, SEQUENCE

__all__ = ["MOST_PROMOTED", "PROMOTED_AT", "promote_asked"]

PROMOTED_AT = 100
"""Queries that have to ask for an attribute; older ones count less and less."""
MOST_PROMOTED = 64
"""Columns that a project can have beside the known attributes."""
MOST_COMMON = 32
"""Of these, so many for what nobody may ask for."""
_COMMON = 0.05
"""Part of the latest faults that have an attribute which is common."""
_LATEST = 10_000
"""Faults that are looked at; with fewer, everything is fast enough."""
_KEPT = 0.5  # of a count, each time it is looked at


def promote_asked(file: ProjectFile) -> None:
    """Count what was asked for, and move what was asked for often or is common."""
    for attribute in _note_asked(file):
        _add_column(file, attribute)
    for attribute in _common(file):
        _add_column(file, attribute)
    for bucket in file.layout.buckets:
        _move_values(file, bucket)


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
    known = file.layout.by_attribute
    often = [n for n, total in rows if total >= PROMOTED_AT and n not in known]
    return often[: max(MOST_PROMOTED - _promoted(file), 0)]


def _common(file: ProjectFile) -> list[str]:
    """Return attributes without a column that many of the latest faults have."""
    room = min(MOST_COMMON, MOST_PROMOTED) - _promoted(file)
    if room <= 0 or not file.layout.buckets:
        return []
    table = bucket_table(file.layout.buckets[-1])
    first = file.last_sequence - _LATEST
    with file.reading() as (connection, *_):
        [[count]] = run(
            connection, f"SELECT count(*) FROM {table} WHERE {SEQUENCE} > ?", [first]
        )
        if count < _LATEST / 2:  # a month that has just begun
            return []
        rows = run(
            connection,
            f'SELECT name, count(*) AS n FROM (SELECT unnest(map_keys("{REST}")) AS'
            f" name FROM {table} WHERE {SEQUENCE} > ?) GROUP BY name"
            " HAVING n >= ? ORDER BY n DESC, name LIMIT ?",
            [first, count * _COMMON, room + len(file.layout.strays)],
        )
    known = file.layout.by_attribute
    return [name for name, _ in rows if name not in known][:room]


def _promoted(file: ProjectFile) -> int:
    return len(file.layout.columns) - len(INITIAL_COLUMNS)


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


def _move_values(file: ProjectFile, bucket: int) -> None:
    """Write a month again, with the values of new columns in them."""
    with file.writing() as connection:
        layout = file.layout
        new = [
            column
            for column in layout.columns[len(INITIAL_COLUMNS) :]
            if (bucket, column.attribute) in layout.strays
        ]
        if not new:
            return
        names = {f"n{number}": column.attribute for number, column in enumerate(new)}
        moved = "".join(
            f'coalesce("{column.identifier}", "{REST}"[${name}])'
            f' AS "{column.identifier}", '
            for name, column in zip(names, new, strict=True)
        )
        table = bucket_table(bucket)
        run(
            connection,
            f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE ({moved}"
            f' map_from_entries(list_filter(map_entries("{REST}"),'
            f' lambda e: NOT list_contains($names, e.key))) AS "{REST}") FROM {table}',
            {**names, "names": list(names.values())},
        )
        run(
            connection,
            "DELETE FROM stray WHERE bucket = ? AND list_contains(?, attribute)",
            [bucket, list(names.values())],
        )
