"""Connections to the two databases that can hold the state."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, exc

from coresnap.errors import ConfigError

__all__ = ["WRITES", "make_engine"]

WRITES = "coresnap_writes"
"""Execution option of a connection whose transaction may write."""

_BUSY_MILLISECONDS = 10_000
_CHECKPOINT_PAGES = 4000
"""Pages of 4 KiB in the WAL before a commit copies them into the database. More make
commits even; fewer keep what is read after a crash short."""
_WAL_BYTES = 64 << 20
"""What the WAL's file is cut to after it was longer, because somebody read for long."""
_CONNECTIONS = 48
_CONNECT_SECONDS = 10


def make_engine(url: str) -> Engine:
    """Return an engine for ``sqlite:///PATH`` or ``postgresql://…``, not connected.

    Raises ConfigError for what is neither, or needs a driver that is not installed.
    """
    try:
        parsed = sqlalchemy.make_url(url)
    except exc.ArgumentError:
        raise _unusable("it is not a URL") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _sqlite(parsed)
    if kind == "postgresql":
        return _postgresql(parsed)
    raise _unusable(f"there is no support for {kind}")


def _unusable(reason: str) -> ConfigError:
    # Not the URL itself: it has a password.
    return ConfigError(
        f"the URL of the state's database cannot be used: {reason}",
        remedy="Write sqlite:////path/to/file or postgresql://user@host/database.",
    )


def _sqlite(url: sqlalchemy.URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise _unusable("what is kept in memory is not kept")
    engine = sqlalchemy.create_engine(
        url, pool_size=_CONNECTIONS, max_overflow=_CONNECTIONS, pool_timeout=60
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit that returned is on the disk
        "foreign_keys = ON",
        f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        f"journal_size_limit = {_WAL_BYTES}",
        "trusted_schema = OFF",
        "cache_size = -65536",  # KiB
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that began by reading cannot wait for the lock when it writes.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: sqlalchemy.URL) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise ConfigError(
            "the state's database is PostgreSQL, and its driver is not installed",
            remedy="Run pip install 'coresnap[postgresql]'.",
        ) from None
    return sqlalchemy.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=_CONNECTIONS,
        pool_timeout=60,
        pool_pre_ping=True,
        pool_recycle=3600,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "coroner",
            "options": "-c synchronous_commit=on -c timezone=UTC",
        },
    )
