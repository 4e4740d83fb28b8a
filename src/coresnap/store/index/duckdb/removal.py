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

_MOST_HOLES = 0.25
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
    for _ in range(len(file.layout.buckets) + 1):
        if not _checkpoint(file):
            return
        with file.outside_transactions() as connection:
            free, total = _blocks(connection)
            last = _last_bucket(connection, file.layout.buckets)
        if last is None or free < _LEAST_BLOCKS or free <= total * _MOST_HOLES:
            return
        with file.writing() as connection:
            table = bucket_table(last)
            run(connection, f"CREATE OR REPLACE TABLE {table} AS FROM {table}")


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


def _last_bucket(
    connection: duckdb.DuckDBPyConnection, buckets: Sequence[int]
) -> int | None:
    """Return the bucket that the last block of the file belongs to."""
    ends = {}
    for bucket in buckets:
        [[end]] = run(
            connection,
            f"SELECT max(block_id) FROM pragma_storage_info('{bucket_table(bucket)}')",
        )
        if end is not None:
            ends[bucket] = end
    return max(ends, key=lambda bucket: ends[bucket], default=None)
