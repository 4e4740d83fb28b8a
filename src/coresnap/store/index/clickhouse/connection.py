"""What the index asks of ClickHouse: statements, and rows to insert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from coresnap.store.fault import Value

__all__ = ["Connection", "Parameter", "parameter_text", "string_literal"]

Parameter = Value | tuple[str, ...] | tuple[int, ...]
"""Stands for ``{name:Type}`` in a statement."""


class Connection(Protocol):
    """One server, or one cluster. Methods may be called from several threads.

    They raise StorageError where the server fails or is not there, and QueryError where
    it gives up a statement that is too dear.
    """

    def run(
        self,
        statement: str,
        values: Mapping[str, Parameter] | None = None,
        seconds: float | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows as int, float, str, bool and None.

        It is given up after ``seconds``.
        """

    def insert(
        self, table: str, rows: Iterable[Mapping[str, object]], token: str | None = None
    ) -> None:
        """Insert rows by column, all or none.

        What was inserted into the table with the same ``token`` is not inserted again.
        """

    def close(self) -> None:
        """Let go of it."""


def parameter_text(value: Parameter) -> str:
    """Return a parameter as ClickHouse reads it: escaped as in TabSeparated."""
    if isinstance(value, tuple):
        return f"[{','.join(_element(element) for element in value)}]"
    if isinstance(value, str):
        return _escaped(value)
    return repr(value)


def string_literal(text: str) -> str:
    """Return a text as SQL, where a parameter cannot stand."""
    return f"'{_escaped(text)}'"


def _element(element: str | int) -> str:
    return string_literal(element) if isinstance(element, str) else repr(element)


def _escaped(text: str) -> str:
    return (
        text.replace("\\", "\\\\")
        .replace("\t", "\\t")
        .replace("\n", "\\n")
        .replace("\r", "\\r")
        .replace("\0", "\\0")
        .replace("'", "\\'")
    )
