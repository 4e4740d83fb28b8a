"""What the database's errors mean to us."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from coresnap.errors import ConflictError, CoresnapError, NoSpaceError, StorageError

__all__ = ["is_passing", "meaning_of"]

_SQLITE_FULL = 13
_DISK_FULL = "53100"
_PASSING_STATES = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "57P03"})
"""serialization_failure, deadlock_detected, lock_not_available, admin_shutdown,
crash_shutdown, cannot_connect_now (PostgreSQL, appendix A)."""
_CONNECTION_STATES = "08"
_PASSING_WORDS = (
    "connection refused",
    "connection reset",
    "no such file or directory",
    "server closed the connection",
    "starting up",
    "shutting down",
    "in recovery mode",
    "timeout expired",
)
"""Of an attempt to connect, which has no state."""


def meaning_of(error: exc.SQLAlchemyError) -> CoresnapError:
    """Return the error of the tree that stands for one of the database."""
    text = _first_line(error)
    if isinstance(error, exc.IntegrityError):
        return ConflictError(f"something else is there already: {text}")
    if _is_full(error):
        return NoSpaceError(
            f"the state's disk is full: {text}",
            remedy="Free space there; nothing that was acknowledged is lost.",
        )
    return StorageError(
        f"the state's database failed: {text}",
        remedy="See whether the database of database.url runs, and its disk is well.",
    )


def is_passing(error: exc.SQLAlchemyError) -> bool:
    """Return whether the same transaction may succeed in a moment."""
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return False  # it waited for the lock already
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        words = str(error.orig).lower()
        return any(passing in words for passing in _PASSING_WORDS)
    return state in _PASSING_STATES or state.startswith(_CONNECTION_STATES)


def _first_line(error: exc.SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    # Without SQLAlchemy's additions: they quote the statement's parameters.
    return str(cause).strip().partition("\n")[0]


def _is_full(error: exc.SQLAlchemyError) -> bool:
    if not isinstance(error, exc.DBAPIError):
        return False
    if getattr(error.orig, "sqlstate", None) == _DISK_FULL:
        return True
    return getattr(error.orig, "sqlite_errorcode", None) == _SQLITE_FULL
