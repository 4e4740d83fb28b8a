"""Keys of groups, from one statement into the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.fault import Value
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.rows import Rows

__all__ = ["OF_FINGERPRINTS", "Key", "Keys", "keys_of"]

Key = tuple[Value | None, ...]

OF_FINGERPRINTS = JOINED.keys() | {"fingerprint"}
"""Attributes whose value a fault's fingerprint says."""
_MEMBERS = 1000
"""Fingerprints of a page of groups up to which each is looked for by itself."""


class Keys(Protocol):
    """The keys of one page, as statements that read their faults need them."""

    @property
    def is_selective(self) -> bool:
        """Whether they are looked for without reading much of other faults."""

    def columns(self, rows: Rows) -> list[str]:
        """Return the columns that tell groups apart."""

    def condition(self, rows: Rows) -> str:
        """Return the SQL of: a fault is in one of the groups."""

    def key(self, values: tuple[Any, ...]) -> Key:
        """Return the key whose ``columns`` have these values."""


def keys_of(asking: Asking, keys: Sequence[Key]) -> Keys:
    """Return the keys of a page in the way in which their faults are found fastest."""
    names = asking.query.group
    if names and set(names) <= OF_FINGERPRINTS and not asking.asks_of_groups():
        places = _places(asking, keys)
        if places is not None:
            return _ByFingerprint(places, tuple(keys))
    return _ByValue(names, tuple(keys))


@attrs.frozen
class _ByValue:
    """Groups of faults that have the values of the key."""

    names: tuple[str, ...]
    keys: tuple[Key, ...]
    is_selective = False

    def columns(self, rows: Rows) -> list[str]:
        return [rows.column(name) for name in self.names]

    def condition(self, rows: Rows) -> str:
        columns = self.columns(rows)
        if not columns:
            return "(1 = 1)"
        parts = [
            _one_of(rows, column, [key[n] for key in self.keys])
            for n, column in enumerate(columns)
        ]
        if len(columns) > 1 and len(self.keys) > 1:
            # the lists alone would let through what no key has together
            some = " OR ".join(_is_key(rows, columns, key) for key in self.keys)
            parts.append(f"({some})")
        return f"({' AND '.join(parts)})"

    def key(self, values: tuple[Any, ...]) -> Key:
        return values


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


@attrs.frozen
class _ByFingerprint:
    """Groups of the workflow: a fault's fingerprint says which it is in.

    So the other table need not be joined with every fault, nor several columns be
    compared with the values of every key.
    """

    places: Mapping[str, int]
    """Fingerprint to the index of a key."""
    keys: tuple[Key, ...]
    is_selective = True

    def columns(self, rows: Rows) -> list[str]:
        return [rows.place(self.places)]

    def condition(self, rows: Rows) -> str:
        return "(1 = 1)"

    def key(self, values: tuple[Any, ...]) -> Key:
        return self.keys[values[0]]


def _places(asking: Asking, keys: Sequence[Key]) -> dict[str, int] | None:
    """Return the place of each fingerprint of the page; None if there are too many."""
    names = asking.query.group
    index = {key: place for place, key in enumerate(keys)}
    if "fingerprint" in names:
        own = names.index("fingerprint")
        return {str(key[own]): place for key, place in index.items()}
    if "group" not in names:
        return None
    groups = [str(key[names.index("group")]) for key in keys]
    rows = asking.relation.members(groups, names, _MEMBERS + 1)
    if len(rows) > _MEMBERS:
        return None
    # A fingerprint that nobody told the index about is a group of its own.
    alone: dict[str, Key] = {
        group: tuple(group if name == "group" else None for name in names)
        for group in groups
    }
    found = {**alone, **{row[0]: row[1:] for row in rows}}
    return {print_: index[key] for print_, key in found.items() if key in index}
