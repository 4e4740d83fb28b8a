"""Segments into ClickHouse: no transaction, so each step may be done again.

A segment is inserted in one piece with a token of its own, so that a replay is
recognised. What it replaces is deleted after that, by sequence, and only rows of
earlier segments. The segment's number is noted last: until then it is written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coresnap.store.index.clickhouse.connection import Connection
from coresnap.store.index.clickhouse.tables import (
    APPLIED,
    fact,
    fault_table,
    set_fact,
    table,
)
from coresnap.store.index.contract import Segment
from coresnap.store.index.layout import (
    INITIAL_COLUMNS,
    REST,
    SEQUENCE,
    Placed,
    place,
)

__all__ = ["delete_objects", "write_segment"]

_NAMES = (SEQUENCE, *(column.identifier for column in INITIAL_COLUMNS), REST)
_PIECE = 500  # objects in one statement: its parameters travel in the URL


def write_segment(connection: Connection, segment: Segment) -> None:
    """Write a segment, unless it or a later one was written."""
    project, number = segment.project, segment.number
    if number <= fact(connection, project, APPLIED):
        return
    placed = place(segment.faults, INITIAL_COLUMNS)
    _note_strays(connection, project, placed)
    last = _last_sequence(connection, project, number)
    if segment.faults:
        connection.insert(
            fault_table(project), _rows(placed, number), f"{project}-{number}"
        )
    replaced = [f.sequence for f in segment.faults if f.sequence <= last]
    for start in range(0, len(replaced), _PIECE):
        connection.run(
            f"DELETE FROM {fault_table(project)} WHERE segment < {{n:Int64}}"
            f" AND has({{old:Array(Int64)}}, `{SEQUENCE}`)",
            {"n": number, "old": tuple(replaced[start : start + _PIECE])},
        )
    if segment.removed:
        delete_objects(connection, project, segment.removed)
    set_fact(connection, project, APPLIED, number)


def delete_objects(
    connection: Connection, project: int, objects: Sequence[str]
) -> None:
    """Delete single faults."""
    for start in range(0, len(objects), _PIECE):
        connection.run(
            f"DELETE FROM {fault_table(project)}"
            " WHERE has({gone:Array(String)}, object)",
            {"gone": tuple(objects[start : start + _PIECE])},
        )


def _rows(placed: Sequence[Placed], number: int) -> Iterator[dict[str, object]]:
    for part in placed:
        for values in part.rows:
            row: dict[str, object] = {
                n: v for n, v in zip(_NAMES, values, strict=True) if v is not None
            }
            row["segment"], row["bucket"] = number, part.bucket
            yield row


def _note_strays(
    connection: Connection, project: int, placed: Sequence[Placed]
) -> None:
    rows = [
        {"bucket": part.bucket, "attribute": name}
        for part in placed
        for name in sorted(part.strays)
    ]
    if rows:
        connection.insert(table("stray", project), rows)


def _last_sequence(connection: Connection, project: int, number: int) -> int:
    """Return the last sequence of earlier segments; 0 without any."""
    rows = connection.run(
        f"SELECT max(`{SEQUENCE}`) FROM {fault_table(project)}"
        " WHERE segment < {n:Int64}",
        {"n": number},
    )
    return int(rows[0][0])
