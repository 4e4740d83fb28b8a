"""Attributes that are asked for often get a column of their own.

It is computed from the map, by ClickHouse: at once for what is read, at insertion for
what comes, and in the background for what is there. So writers need not know of it,
and answers are the same throughout. The map keeps the value, too.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from coresnap.store.index.clickhouse.connection import Connection, string_literal
from coresnap.store.index.clickhouse.reading import read_promoted
from coresnap.store.index.clickhouse.tables import fault_table, table
from coresnap.store.index.layout import INITIAL_COLUMNS, REST

__all__ = ["MOST_PROMOTED", "PROMOTED_AT", "note_asked", "promote_asked"]

PROMOTED_AT = 100
"""Queries of the last week, of all processes, that have to ask for an attribute."""
MOST_PROMOTED = 64
"""Columns that a project can have beside the known attributes."""


def note_asked(connection: Connection, project: int, asked: Mapping[str, int]) -> None:
    """Add counts of this process."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    rows = [{"day": day, "attribute": n, "count": c} for n, c in asked.items()]
    if rows:
        connection.insert(table("asked", project), rows)


def promote_asked(connection: Connection, project: int) -> None:
    """Give a column to each attribute that passes the mark and has none."""
    rows = connection.run(
        f"SELECT attribute, sum(count) AS total FROM {table('asked', project)}"
        f" GROUP BY attribute HAVING total >= {PROMOTED_AT} ORDER BY total DESC"
    )
    promoted = read_promoted(connection, project)
    known = {column.attribute for column in INITIAL_COLUMNS} | promoted.keys()
    new = [name for name, _ in rows if name not in known]
    for name in new[: max(0, MOST_PROMOTED - len(promoted))]:
        _add_column(connection, project, name, len(promoted))
        promoted = read_promoted(connection, project)


def _add_column(
    connection: Connection, project: int, attribute: str, number: int
) -> None:
    column = f"promoted_{number}"
    key = string_literal(attribute)
    connection.run(
        f"ALTER TABLE {fault_table(project)} ADD COLUMN IF NOT EXISTS {column}"
        " LowCardinality(Nullable(String))"
        f" DEFAULT if(mapContains(`{REST}`, {key}), `{REST}`[{key}], NULL)"
        f" COMMENT {key}"
    )
    connection.run(f"ALTER TABLE {fault_table(project)} MATERIALIZE COLUMN {column}")
