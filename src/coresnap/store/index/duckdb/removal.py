"""Forgetting: single faults, whole months, and the disk that they took.

DuckDB gives back only what is free at the end of its file, and the oldest month is at
its beginning. So the tables that lie last are written again, into the holes before
them; then the end is free, and the next checkpoint cuts it off.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import duckdb

from coresnap.store.index.duckdb.catalogue_tables import (
    HIDDEN_BEFORE,
    bucket_table,
    fact,
    read_layout,
    set_fact,
)
from coresnap.store.index.duckdb.engine import run
from coresnap.store.index.duckdb.project_file import ProjectFile
from coresnap.store.index.layout import bucket_of

__all__ = ["delete_objects", "drop_before", "give_back", "remove_faults"]

_MOST_HOLES = 0.1
"""Part of the file that may be free: the months to come will fill it."""
_LEAST_BLOCKS = 64
"""Fewer free blocks (of 256 KiB) are not worth a rewrite."""
_TRIES = 50
_PAUSE = 0.05  # seconds between them


def remove_faults(file: ProjectFile, objects: Sequence[str]) -> None:
    """Forget single faults; their space is used again, not given back."""
    with file.writing() as connection:
        delete_objects(connection, objects)


def delete_objects(
    connection: duckdb.DuckDBPyConnection, objects: Sequence[str]
) -> None:
    """Delete single faults in the transaction that is under way."""
    for bucket in read_layout(connection).buckets:
        run(
            connection,
            f'DELETE FROM {bucket_table(bucket)} WHERE "object" IN'
            " (SELECT unnest(?::VARCHAR[]))",
            [list(objects)],
        )


def drop_before(file: ProjectFile, received: int) -> None:
    """Forget the months before a time, hide what is older in its own month."""
    with file.writing() as connection:
        hidden = max(received, fact(connection, HIDDEN_BEFORE))
        old = [b for b in file.layout.buckets if b < bucket_of(hidden)]
        for bucket in old:
            run(connection, f"DROP TABLE {bucket_table(bucket)}")
            run(connection, "DELETE FROM bucket WHERE bucket = ?", [bucket])
            run(connection, "DELETE FROM stray WHERE bucket = ?", [bucket])
        set_fact(connection, HIDDEN_BEFORE, hidden)
    if old:
        give_back(file)


def give_back(file: ProjectFile) -> None:
    """Fill holes with the tables that lie behind them, until few are left.

    Where queries keep DuckDB from it, it is left for the next time.
    """
    moved: set[str] = set()
    while _checkpoint(file) and _touch(file) and _checkpoint(file):
        with file.outside_transactions() as connection:
            free, total = _blocks(connection)
            last = _last_table(connection)
        few = free < _LEAST_BLOCKS or free <= total * _MOST_HOLES
        if few or last is None or last in moved:
            return
        moved.add(last)
        with file.writing() as connection:
            run(connection, f'CREATE OR REPLACE TABLE "{last}" AS FROM "{last}"')


def _touch(file: ProjectFile) -> bool:
    """Write a little: blocks that one checkpoint leaves are free with the next, and
    one without changes does nothing."""
    with file.writing() as connection:
        set_fact(connection, HIDDEN_BEFORE, fact(connection, HIDDEN_BEFORE))
    return True


def _checkpoint(file: ProjectFile) -> bool:
    """Let DuckDB take over its log; False if it cannot while others read."""
    for _ in range(_TRIES):
        with file.outside_transactions() as connection:
            try:
                run(connection, "CHECKPOINT")
            except duckdb.TransactionException:
                pass
            else:
                return True
        time.sleep(_PAUSE)
    return False


def _blocks(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    [[free, total]] = run(
        connection, "SELECT free_blocks, total_blocks FROM pragma_database_size()"
    )
    return free, total


def _last_table(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the table that the last block of the file belongs to."""
    ends = {}
    for (table,) in run(connection, "SELECT table_name FROM duckdb_tables()"):
        [[end]] = run(
            connection, f"SELECT max(block_id) FROM pragma_storage_info('{table}')"
        )
        if end is not None:
            ends[table] = end
    return max(ends, key=lambda table: ends[table], default=None)
