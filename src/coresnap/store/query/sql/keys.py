"""Keys of groups, from one statement into the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.fault import Value
from coresnap.store.query.query import Filter
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.conditions import filter_sql
from coresnap.store.query.sql.filter_parts import attributes_of
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
        """Return the SQL of: a fault passes the filter, and is in one of the groups."""

    def key(self, values: tuple[Any, ...]) -> Key:
        """Return the key whose ``columns`` have these values."""


def keys_of(asking: Asking, keys: Sequence[Key]) -> Keys:
    """Return the keys of a page in the way in which their faults are found fastest."""
    query, parts = asking.query, asking.parts()
    names = query.group
    if names and set(names) <= OF_FINGERPRINTS and parts is not None:
        asked = attributes_of(parts.of_groups)
        found = _places(asking, keys, sorted(asked))
        if found is not None:
            passed = parts.of_faults if found.is_uniform else query.filter
            return _ByFingerprint(passed, found.places, tuple(keys))
    return _ByValue(query.filter, names, tuple(keys))


@attrs.frozen
class _ByValue:
    """Groups of faults that have the values of the key."""

    filter: Filter
    names: tuple[str, ...]
    keys: tuple[Key, ...]
    is_selective = False

    def columns(self, rows: Rows) -> list[str]:
        return [rows.column(name) for name in self.names]

    def condition(self, rows: Rows) -> str:
        columns = self.columns(rows)
        parts = [filter_sql(self.filter, rows)]
        parts += [
            _one_of(rows, column, [key[n] for key in self.keys])
            for n, column in enumerate(columns)
        ]
        if len(columns) > 1 and len(self.keys) > 1:
            # the lists alone would let through what no key has together
            some = " OR ".join(_is_key(rows, columns, key) for key in self.keys)
            parts.append(f"({some})")
        return " AND ".join(parts)

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

    filter: Filter
    """What is left to be asked of each fault."""
    places: Mapping[str, int]
    """Fingerprint to the index of a key."""
    keys: tuple[Key, ...]
    is_selective = True

    def columns(self, rows: Rows) -> list[str]:
        return [rows.place(self.places)]

    def condition(self, rows: Rows) -> str:
        return filter_sql(self.filter, rows)

    def key(self, values: tuple[Any, ...]) -> Key:
        return self.keys[values[0]]


@attrs.frozen
class _Places:
    """The fingerprints of a page."""

    places: Mapping[str, int]
    """To the index of a key."""
    is_uniform: bool
    """Whether all fingerprints of a key pass what is asked of groups, as it does."""


def _places(
    asking: Asking, keys: Sequence[Key], asked: Sequence[str]
) -> _Places | None:
    """Return the place of each fingerprint of the page; None if there are too many.

    ``asked`` are the attributes that the filter compares.
    """
    names = asking.query.group
    index = {key: place for place, key in enumerate(keys)}
    if "fingerprint" in names:
        own = names.index("fingerprint")
        return _Places({str(key[own]): place for key, place in index.items()}, True)
    if "group" not in names:
        return None
    at = names.index("group")
    groups = [str(key[at]) for key in keys]
    wanted = (*names, *asked)
    rows = asking.relation.members(groups, wanted, _MEMBERS + 1)
    if len(rows) > _MEMBERS:
        return None
    # A fingerprint that nobody told the index about is a group of its own.
    alone: dict[str, Key] = {
        group: tuple(group if name == "group" else None for name in wanted)
        for group in groups
    }
    found = {**alone, **{row[0]: row[1:] for row in rows}}
    size = len(names)
    places = {p: index[row[:size]] for p, row in found.items() if row[:size] in index}
    different = {row for p, row in found.items() if p in places}
    return _Places(places, len(different) == len({row[:size] for row in different}))
