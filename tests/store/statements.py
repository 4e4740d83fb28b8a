"""The statements that are sent to the state."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import Connection, event

__all__ = ["counted_statements"]


@contextlib.contextmanager
def counted_statements(connection: Connection) -> Iterator[list[str]]:
    """Collect what is executed meanwhile."""
    seen: list[str] = []
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):  # also what SQLAlchemy does not run
        driver.set_trace_callback(seen.append)
        try:
            yield seen
        finally:
            driver.set_trace_callback(None)
        return

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", note)
