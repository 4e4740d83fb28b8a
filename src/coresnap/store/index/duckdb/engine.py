"""DuckDB itself: how its file is opened, and what its errors are for us."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from coresnap.errors import (
    CoresnapError,
    DamagedIndexError,
    NoSpaceError,
    QueryError,
    StorageError,
)
from coresnap.store.index.duckdb.settings import DuckDBSettings

__all__ = ["FILE", "engine_errors", "is_broken", "open_file", "run"]

FILE = "faults.duckdb"
_TEMPORARY = "temporary"
# What 1.3 and everything later reads: 2.0's own format can be read by no 1.x.
_STORAGE_VERSION = "v1.3.0"
_NUMBER_BITS = 17
_BROKEN = (duckdb.FatalException, duckdb.InternalException)
# DuckDB 2.0 has no class for these.
_DAMAGE = (
    "Corrupt database",
    "Could not read enough bytes",
    "Serialization Error",
    "not a valid DuckDB database",
    "replaying WAL",
    "with DuckDB version",
)
_FULL = ("No space left", "Out of disk", "Disk quota exceeded")


def open_file(directory: Path, settings: DuckDBSettings) -> duckdb.DuckDBPyConnection:
    """Open, or make, the file of one project below ``directory``.

    No statement can reach another file, load code, or lift these limits. Raises
    DamagedIndexError for what is no index that this DuckDB reads, StorageError if
    another process has it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / FILE
    with engine_errors(path):
        connection = duckdb.connect(
            os.fspath(path),
            config={
                "storage_compatibility_version": _STORAGE_VERSION,
                "memory_limit": f"{settings.memory // 1_000_000}MB",
                "threads": settings.threads or os.cpu_count() or 1,
                "temp_directory": os.fspath(directory / _TEMPORARY),
                "autoload_known_extensions": "false",
                "autoinstall_known_extensions": "false",
            },
        )
        # Fingerprints have small numbers: an array of them is faster than a hash table.
        run(connection, f"SET perfect_ht_threshold = {_NUMBER_BITS}")
        # The order counts: without access temp_directory cannot be set.
        run(connection, "SET enable_external_access = false")
        run(connection, "SET lock_configuration = true")
        return connection


def run(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    values: Sequence[object] | Mapping[str, object] | None = None,
) -> list[tuple[Any, ...]]:
    """Run a statement to its end, and return its rows.

    DuckDB 2.0 lets a connection do nothing else while a result is not fetched.
    """
    return connection.execute(statement, values).fetchall()


@contextlib.contextmanager
def engine_errors(path: Path) -> Iterator[None]:
    """Raise what DuckDB raises as errors of ours that name the file."""
    try:
        yield
    except CoresnapError:
        raise
    except duckdb.InterruptException as error:
        raise QueryError(
            "the query took longer than it may",
            remedy="Ask for fewer faults: --age, --filter, or fewer folds.",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise QueryError(
            f"the query needs more memory than the index may use: {_first_line(error)}",
            remedy="Ask for fewer faults or folds, or raise index.memory.",
        ) from error
    except duckdb.Error as error:
        raise _storage_error(path, error) from error


def is_broken(error: BaseException | None) -> bool:
    """Tell whether an engine that raised ``error`` has to be opened again."""
    while error is not None:
        if isinstance(error, _BROKEN):
            return True
        error = error.__cause__
    return False


def _storage_error(path: Path, error: duckdb.Error) -> StorageError:
    message = _first_line(error)
    if _has(message, _FULL):
        return NoSpaceError(f"{path}: {message}", remedy="Free space on that disk.")
    if "Could not set lock" in message or "Conflicting lock" in message:
        return StorageError(
            f"{path} is open in another process",
            remedy="One process has an index: stop the other server.",
        )
    if _has(message, _DAMAGE):
        return DamagedIndexError(f"{path} cannot be read: {message}")
    return StorageError(f"{path}: {message}")


def _has(message: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in message for phrase in phrases)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
