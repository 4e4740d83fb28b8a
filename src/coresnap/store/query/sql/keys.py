"""Keys of groups, from one statement into the next."""

from __future__ import annotations

from collections.abc import Sequence

from coresnap.store.fault import Value
from coresnap.store.query.sql.rows import Rows

__all__ = ["Key", "key_condition"]

Key = tuple[Value | None, ...]


def key_condition(rows: Rows, columns: Sequence[str], keys: Sequence[Key]) -> str:
    """Return the SQL of: the values of ``columns`` are one of ``keys``."""
    if not columns:
        return "(1 = 1)"
    parts = [
        _one_of(rows, column, [key[n] for key in keys])
        for n, column in enumerate(columns)
    ]
    if len(columns) > 1 and len(keys) > 1:
        # the lists alone would let through what no key has together
        parts.append(f"({' OR '.join(_is_key(rows, columns, key) for key in keys)})")
    return f"({' AND '.join(parts)})"


def _one_of(rows: Rows, column: str, values: Sequence[Value | None]) -> str:
    listed = dict.fromkeys(rows.add(value) for value in values if value is not None)
    parts = [f"{column} IN ({', '.join(listed)})"] if listed else []
    if None in values:
        parts.append(f"{column} IS NULL")
    return f"({' OR '.join(parts)})" if parts else "(1 = 0)"


def _is_key(rows: Rows, columns: Sequence[str], key: Key) -> str:
    parts = (
        f"{column} IS NULL" if value is None else f"{column} = {rows.add(value)}"
        for column, value in zip(columns, key, strict=True)
    )
    return f"({' AND '.join(parts)})"
