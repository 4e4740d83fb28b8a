"""The journal: what has been done about each archive, kept across any crash of ours.

SQLite in WAL mode, written by one process, the daemon, under a lock. The spool says
which archives exist and which parts they have; the journal says what was tried. So
``replay`` compares the two and returns exactly the work that is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import attrs

from coresnap.collect.journal_totals import TOTAL_SCHEMA, add_totals
from coresnap.collect.transitions import (
    Entry,
    Event,
    Record,
    State,
    advance,
    missing_events,
)
from coresnap.collect.writer_lock import is_locked, take_lock
from coresnap.crash import Archive
from coresnap.errors import (
    AccessError,
    CoresnapError,
    MissingError,
    NoSpaceError,
    StorageError,
)

__all__ = [
    "Entry",
    "Event",
    "Journal",
    "Record",
    "State",
    "is_locked",
    "read_entries",
    "read_history",
    "reading",
]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS event (
    sequence INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_by_id ON event (id, sequence);
"""
_VERSION = 1
_DAMAGED = (sqlite3.DatabaseError, sqlite3.NotSupportedError)


class Journal:
    """The journal at ``path``, open for its one writer."""

    def __init__(self, path: Path) -> None:
        """Take the lock and open the database, creating it if need be.

        A database that is damaged is put aside: the spool still knows what exists.
        Raises StorageError if another process is the writer, or the disk fails.
        """
        self.path = path
        self.put_aside: Path | None = None
        """Where a damaged database went when this one was opened."""
        self._lock = take_lock(path)
        try:
            self._database = self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            return _open_database(self.path)
        except sqlite3.OperationalError as error:
            raise _storage_error(self.path, error) from error
        except _DAMAGED:
            self.put_aside = self.path.with_name(
                f"{self.path.name}.damaged-{time.time_ns()}"
            )
            self.path.rename(self.put_aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            return _open_database(self.path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and give up the lock; twice is once."""
        self._database.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def entry(self, archive_id: str) -> Entry | None:
        """Return where an archive stands; None if the journal never saw it."""
        rows = _entries(self._database, "WHERE id = ?", (archive_id,))
        return next(iter(rows), None)

    def entries(self) -> dict[str, Entry]:
        """Return all archives that are not gone, by id."""
        rows = _entries(self._database, "WHERE state != ?", (State.GONE,))
        return {entry.id: entry for entry in rows}

    def entries_in(self, state: State) -> list[Entry]:
        """Return the archives in one state."""
        return _entries(self._database, "WHERE state = ?", (state,))

    def history(self, archive_id: str) -> list[Record]:
        """Return what happened to an archive, oldest first."""
        return list(_records(self._database, "WHERE id = ?", (archive_id,)))

    def record(self, archive_id: str, event: Event, **detail: object) -> Entry:
        """Write down that ``event`` happened; it is on the disk when this returns.

        Raises StorageError (NoSpaceError), and ValueError for an event that cannot
        happen in the archive's state.
        """
        before = self.entry(archive_id)
        entry = advance(before, archive_id, event, detail)
        values = attrs.asdict(entry)
        values["detail"] = text = json.dumps(detail)
        try:
            with self._database:
                add_totals(self._database, archive_id, event, detail, entry.changed)
                self._database.execute(
                    "INSERT OR REPLACE INTO entry VALUES (:id, :state, :attempts,"
                    " :interruptions, :arrived, :changed, :detail)",
                    values,
                )
                self._database.execute(
                    "INSERT INTO event (time, id, event, state, detail)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (entry.changed, archive_id, event, entry.state, text),
                )
        except sqlite3.Error as error:
            raise _storage_error(self.path, error) from error
        return entry

    def replay(self, archives: Iterable[Archive]) -> list[Entry]:
        """Make the journal agree with the spool, and return the work that is left.

        ``archives`` is all that the spool holds. Called when no worker runs: work
        that was begun and left no snapshot was interrupted.
        """
        present = {archive.id: archive for archive in archives}
        for archive_id in self.entries().keys() - present.keys():
            self.record(archive_id, Event.VANISHED)
        for archive in present.values():
            for event, detail in missing_events(archive, self.entry(archive.id)):
                self.record(archive.id, event, **detail)
        waiting = (e for e in self.entries().values() if e.state is State.WAITING)
        return sorted(waiting, key=lambda e: (e.attempts, e.arrived, e.id))

    def forget(self, before: int) -> None:
        """Drop what is older than ``before`` (UTC nanoseconds) of gone archives."""
        gone = "SELECT id FROM entry WHERE state = 'gone' AND changed < ?"
        try:
            with self._database:
                self._database.execute(
                    f"DELETE FROM event WHERE id IN ({gone})", (before,)
                )
                self._database.execute(
                    "DELETE FROM entry WHERE state = 'gone' AND changed < ?", (before,)
                )
        except sqlite3.Error as error:
            raise _storage_error(self.path, error) from error


# --- reading without writing ----------------------------------------------------


def read_entries(path: Path) -> dict[str, Entry]:
    """Return all archives that are not gone, without being the writer.

    Raises MissingError if there is no journal, AccessError or StorageError.
    """
    with reading(path) as database:
        rows = _entries(database, "WHERE state != ?", (State.GONE,))
        return {entry.id: entry for entry in rows}


def read_history(path: Path, prefix: str) -> dict[str, list[Record]]:
    """Return what happened to the archives whose ids start with ``prefix``, by id.

    Oldest first; those that are gone are there for a while. Read without being the
    writer. Raises MissingError if there is no journal, AccessError or StorageError.
    """
    found: dict[str, list[Record]] = {}
    with reading(path) as database:
        # 'g' is behind every hexadecimal digit, so this is a range of the index.
        where = "WHERE id >= ? AND id < ?"
        for record in _records(database, where, (prefix, prefix + "g")):
            found.setdefault(record.id, []).append(record)
    return found


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the journal for reading, without being its writer.

    Raises MissingError if there is none; what SQLite raises within becomes AccessError
    or StorageError.
    """
    try:
        is_there = path.exists()
    except PermissionError as error:
        raise AccessError(f"may not read {path.parent}") from error
    if not is_there:
        raise MissingError(
            f"no journal at {path}", remedy="The daemon writes it when it first runs."
        )
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        ) as database:
            yield database
    except sqlite3.Error as error:
        raise _storage_error(path, error) from error


def _open_database(path: Path) -> sqlite3.Connection:
    mask = os.umask(0o077)
    try:
        database = sqlite3.connect(path)
    finally:
        os.umask(mask)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"the journal has version {version}")
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the journal is damaged")
        database.executescript(_SCHEMA)
        _begin_counting(database)
        database.execute(f"PRAGMA user_version = {_VERSION}")
        _entries(database, "", ())
    except BaseException:
        database.close()
        raise
    return database


def _begin_counting(database: sqlite3.Connection) -> None:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'total'"
    if database.execute(query).fetchone() is None:
        database.executescript(f"BEGIN; {TOTAL_SCHEMA} COMMIT;")


def _entries(
    database: sqlite3.Connection, where: str, values: tuple[str, ...]
) -> list[Entry]:
    columns = ", ".join(field.name for field in attrs.fields(Entry))
    rows = database.execute(f"SELECT {columns} FROM entry {where}", values)
    return [
        Entry(row[0], State(row[1]), row[2], row[3], row[4], row[5], json.loads(row[6]))
        for row in rows
    ]


def _records(
    database: sqlite3.Connection, where: str, values: tuple[str, ...]
) -> Iterator[Record]:
    rows = database.execute(
        f"SELECT time, id, event, state, detail FROM event {where} ORDER BY sequence",
        values,
    )
    for when, name, event, state, detail in rows:
        yield Record(when, name, Event(event), State(state), json.loads(detail))


def _storage_error(path: Path, error: sqlite3.Error) -> CoresnapError:
    if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
        return NoSpaceError(f"cannot write the journal {path}: the disk is full")
    return StorageError(f"the journal {path}: {error}")
