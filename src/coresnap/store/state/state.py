"""The state's database: SQLite in a file, or PostgreSQL by URL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy
from sqlalchemy import Connection, Engine

__all__ = ["State"]


class State:
    """One database, and how transactions on it begin and end."""

    def __init__(self, url: str) -> None:
        """Take what ``sqlalchemy.create_engine`` takes; nothing is connected yet."""
        self.engine: Engine = sqlalchemy.create_engine(url)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction that may write; it is durable when this returns.

        Raises StorageError (NoSpaceError) if the database fails; nothing was done then.
        """
        with self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that sees one state throughout."""
        with self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
