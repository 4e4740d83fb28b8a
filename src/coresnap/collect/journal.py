"""The journal: what has been done about each archive, kept across any crash of ours.

SQLite in WAL mode, written by one process, the daemon, under a lock. The spool says
which archives exist and which parts they have; the journal says what was tried. So
``replay`` compares the two and returns exactly the work that is left:

    arrived ──▶ WAITING ──started──▶ WORKING ──made, finished──▶ READY
                   ▲                    │ broke, interrupted, postponed
                   ├────────────────────┘
                   └──retried── FAILED ◀──gave up── WAITING, WORKING

An archive that is no longer in the spool is GONE: its events stay for a while.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from coresnap.errors import (
    AccessError,
    CoresnapError,
    MissingError,
    NoSpaceError,
    StorageError,
)
from coresnap.model import Archive

__all__ = ["Entry", "Event", "Journal", "Record", "State", "is_locked", "read_entries"]

INTERRUPTION_LIMIT = 20
"""How often the daemon may die over one core before it is given up."""


class State(enum.StrEnum):
    """Where an archive stands."""

    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    """Its snapshot is safe in ``sending/``."""
    FAILED = "failed"
    GONE = "gone"


class Event(enum.StrEnum):
    """What happened to an archive."""

    ARRIVED = "arrived"
    STARTED = "started"
    MADE = "made"
    """The worker made a snapshot, which gets its name next; with what was found."""
    FINISHED = "finished"
    """The snapshot has its name and is on the disk."""
    BROKE = "broke"
    """The worker failed; it may be tried again."""
    INTERRUPTED = "interrupted"
    """The daemon ended while the worker ran."""
    POSTPONED = "postponed"
    """There was no room for the snapshot."""
    GAVE_UP = "gave-up"
    RETRIED = "retried"
    """Somebody asked for another try."""
    CORE_REMOVED = "core-removed"
    VANISHED = "vanished"


TRANSITIONS: dict[tuple[State | None, Event], State] = {
    (None, Event.ARRIVED): State.WAITING,
    (State.GONE, Event.ARRIVED): State.WAITING,
    (State.WAITING, Event.STARTED): State.WORKING,
    (State.WAITING, Event.FINISHED): State.READY,
    (State.WORKING, Event.MADE): State.WORKING,
    (State.WORKING, Event.FINISHED): State.READY,
    (State.FAILED, Event.FINISHED): State.READY,
    (State.WORKING, Event.BROKE): State.WAITING,
    (State.WORKING, Event.INTERRUPTED): State.WAITING,
    (State.WORKING, Event.POSTPONED): State.WAITING,
    (State.WAITING, Event.GAVE_UP): State.FAILED,
    (State.WORKING, Event.GAVE_UP): State.FAILED,
    (State.FAILED, Event.RETRIED): State.WAITING,
    (State.READY, Event.RETRIED): State.WAITING,
    (State.WAITING, Event.RETRIED): State.WAITING,
    (State.READY, Event.CORE_REMOVED): State.READY,
    **{(state, Event.VANISHED): State.GONE for state in State},
}
"""State and event to the next state; what is not here cannot happen."""


@attrs.frozen
class Entry:
    """Where one archive stands."""

    id: str
    state: State
    attempts: int
    """Workers that failed on it since it arrived or was retried."""
    interruptions: int
    """Times that the daemon ended while it was worked on."""
    arrived: int
    """UTC nanoseconds."""
    changed: int
    """UTC nanoseconds."""
    detail: dict[str, Any]
    """What the last event said: ``reason``, ``seconds``, ``checks``, …"""


@attrs.frozen
class Record:
    """One line of the journal."""

    time: int
    """UTC nanoseconds."""
    id: str
    event: Event
    state: State
    detail: dict[str, Any]


_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS event (
    sequence INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
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
        self._lock = _take_lock(path)
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

    def history(self, archive_id: str) -> list[Record]:
        """Return what happened to an archive, oldest first."""
        return list(_records(self._database, archive_id))

    def record(self, archive_id: str, event: Event, **detail: object) -> Entry:
        """Write down that ``event`` happened; it is on the disk when this returns.

        Raises StorageError (NoSpaceError), and ValueError for an event that cannot
        happen in the archive's state.
        """
        before = self.entry(archive_id)
        entry = _after(before, archive_id, event, detail)
        values = attrs.asdict(entry)
        values["detail"] = text = json.dumps(detail)
        try:
            with self._database:
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
            for event, detail in _missing_events(archive, self.entry(archive.id)):
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


def _missing_events(
    archive: Archive, entry: Entry | None
) -> Iterator[tuple[Event, dict[str, object]]]:
    """Yield what must have happened for the spool to look as it does."""
    state = entry.state if entry is not None else None
    if state is None or state is State.GONE:
        yield Event.ARRIVED, {}
        state = State.WAITING
    if archive.has_snapshot and state is not State.READY:
        made = entry.detail if entry is not None and state is State.WORKING else {}
        yield Event.FINISHED, {**made, "recovered": True}
    elif state is State.READY and not archive.has_snapshot:
        yield Event.RETRIED, {"reason": "the snapshot is gone"}
    elif state is State.WORKING:
        assert entry is not None
        if entry.interruptions >= INTERRUPTION_LIMIT:
            reason = f"the daemon died over it {entry.interruptions + 1} times"
            yield Event.GAVE_UP, {"reason": reason}
        else:
            yield Event.INTERRUPTED, {}


def _after(
    before: Entry | None, archive_id: str, event: Event, detail: Mapping[str, object]
) -> Entry:
    state = before.state if before is not None else None
    if (state, event) not in TRANSITIONS:
        raise ValueError(f"{event} cannot happen to {archive_id}, which is {state}")
    now = time.time_ns()
    fresh = before is None or event in (Event.ARRIVED, Event.RETRIED)
    attempts = 0 if fresh or before is None else before.attempts
    interruptions = 0 if fresh or before is None else before.interruptions
    return Entry(
        id=archive_id,
        state=TRANSITIONS[state, event],
        attempts=attempts + (event in (Event.BROKE, Event.GAVE_UP)),
        interruptions=interruptions + (event is Event.INTERRUPTED),
        arrived=now if before is None else before.arrived,
        changed=now,
        detail=dict(detail),
    )


# --- reading without writing ----------------------------------------------------


def is_locked(path: Path) -> int | None:
    """Return the pid of the process that writes the journal; None if there is none.

    Raises AccessError if this user may not look.
    """
    try:
        fd = os.open(_lock_path(path), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except PermissionError as error:
        raise AccessError(f"may not read {path.parent}") from error
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = os.pread(fd, 20, 0).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(fd)
    return None


def read_entries(path: Path) -> dict[str, Entry]:
    """Return all archives that are not gone, without being the writer.

    Raises MissingError if there is no journal, AccessError or StorageError.
    """
    if not path.exists():
        raise MissingError(
            f"no journal at {path}", remedy="The daemon writes it when it first runs."
        )
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        ) as database:
            rows = _entries(database, "WHERE state != ?", (State.GONE,))
            return {entry.id: entry for entry in rows}
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
        database.execute(f"PRAGMA user_version = {_VERSION}")
        _entries(database, "", ())
    except BaseException:
        database.close()
        raise
    return database


def _entries(
    database: sqlite3.Connection, where: str, values: tuple[str, ...]
) -> list[Entry]:
    columns = ", ".join(field.name for field in attrs.fields(Entry))
    rows = database.execute(f"SELECT {columns} FROM entry {where}", values)
    return [
        Entry(row[0], State(row[1]), row[2], row[3], row[4], row[5], json.loads(row[6]))
        for row in rows
    ]


def _records(database: sqlite3.Connection, archive_id: str) -> Iterator[Record]:
    rows = database.execute(
        "SELECT time, id, event, state, detail FROM event WHERE id = ?"
        " ORDER BY sequence",
        (archive_id,),
    )
    for when, name, event, state, detail in rows:
        yield Record(when, name, Event(event), State(state), json.loads(detail))


def _lock_path(path: Path) -> Path:
    return path.with_name("lock")


def _take_lock(path: Path) -> int:
    lock = _lock_path(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(lock, flags, 0o600)
    except FileNotFoundError as error:
        raise MissingError(
            f"no directory for the journal: {lock.parent}",
            remedy="`coresnap install` creates it.",
        ) from error
    except PermissionError as error:
        raise AccessError(f"may not write the journal {path}") from error
    except OSError as error:
        raise StorageError(f"cannot open {lock}: {error.strerror}") from error
    try:
        # POSIX locks are not inherited by fork: a worker cannot hold it on.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise StorageError(
            "the daemon runs already",
            remedy="`coresnap status` shows it.",
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _storage_error(path: Path, error: sqlite3.Error) -> CoresnapError:
    if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
        return NoSpaceError(f"cannot write the journal {path}: the disk is full")
    return StorageError(f"the journal {path}: {error}")
