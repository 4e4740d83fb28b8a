"""One project's file while it is open: who reads, who writes, what they see."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import duckdb

from coresnap.store.index.duckdb.catalogue_tables import (
    GROUPS_REVISION,
    bucket_table,
    create_tables,
    fact,
    read_layout,
)
from coresnap.store.index.duckdb.engine import FILE, engine_errors, open_file, run
from coresnap.store.index.duckdb.settings import DuckDBSettings
from coresnap.store.index.layout import Layout

__all__ = ["ProjectFile", "Ranges", "last_of"]

Ranges = Mapping[int, tuple[int, int]]
"""Month to the first and last sequence in it."""


def last_of(ranges: Ranges) -> int:
    """Return the last sequence of all months; 0 without any."""
    return max((last for _, last in ranges.values()), default=0)


@attrs.define(eq=False)
class ProjectFile:
    """An open file. One thread writes at a time, others read meanwhile.

    A reader sees the file as it was when it began: its transaction and the layout that
    belongs to it are taken together.
    """

    directory: Path
    settings: DuckDBSettings
    layout: Layout = attrs.field(init=False)
    ranges: Ranges = attrs.field(init=False)
    """First and last sequence that were committed into each month, or nearly: what was
    deleted may still count."""
    groups_revision: int = attrs.field(init=False)
    """Last revision of the workflow that is committed here."""
    asked: Counter[str] = attrs.field(init=False, factory=Counter)
    """How often attributes without a column were asked for since ``maintain``."""
    _connection: duckdb.DuckDBPyConnection = attrs.field(init=False)
    _writing: threading.Lock = attrs.field(init=False, factory=threading.Lock)
    _changing: threading.Lock = attrs.field(init=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        """Open it; raises DamagedIndexError, StorageError."""
        self._connection = open_file(self.directory, self.settings)
        try:
            with engine_errors(self.path):
                create_tables(self._connection)
                self.layout = read_layout(self._connection)
                self.ranges = self._find_ranges()
                self.groups_revision = fact(self._connection, GROUPS_REVISION)
        except BaseException:
            self._connection.close()
            raise

    @property
    def last_sequence(self) -> int:
        """Of what is committed, no fault has a later one."""
        return last_of(self.ranges)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.directory / FILE

    @contextlib.contextmanager
    def reading(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Layout, Ranges]]:
        """Yield a connection in a transaction, the layout, and ``ranges``.

        It sees all faults within these, and maybe some that came just now.
        """
        with engine_errors(self.path), contextlib.closing(self._cursor()) as cursor:
            with self._changing:
                ranges = self.ranges
                cursor.begin()
                # DuckDB's transaction takes its view of the file with its first read.
                run(cursor, "SELECT count(*) FROM fact")
                layout = self.layout
            yield cursor, layout, ranges

    @contextlib.contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection in a transaction that is committed in the end.

        The layout is what the tables say then. Whatever is raised, nothing was done.
        """
        with (
            self._writing,
            engine_errors(self.path),
            contextlib.closing(self._cursor()) as cursor,
        ):
            cursor.begin()
            try:
                yield cursor
                layout = read_layout(cursor)
                if layout == self.layout:
                    # A commit can take as long as a checkpoint: nobody has to wait.
                    cursor.commit()
                    return
                with self._changing:
                    cursor.commit()
                    self.layout = layout
            finally:
                with contextlib.suppress(duckdb.Error):
                    cursor.rollback()

    @contextlib.contextmanager
    def outside_transactions(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection for what is no transaction, while nobody writes."""
        with (
            self._writing,
            engine_errors(self.path),
            contextlib.closing(self._cursor()) as cursor,
        ):
            yield cursor

    def close(self) -> None:
        """Write the log into the file, and let go of it."""
        with engine_errors(self.path):
            self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor()

    def _find_ranges(self) -> Ranges:
        tables = " UNION ALL ".join(
            f"SELECT {bucket:d} AS b, min(sequence) AS f, max(sequence) AS l"
            f" FROM {bucket_table(bucket)}"
            for bucket in self.layout.buckets
        )
        if not tables:
            return {}
        rows = run(self._connection, f"SELECT * FROM ({tables}) WHERE l IS NOT NULL")
        return {bucket: (first, last) for bucket, first, last in rows}
