"""Which columns an index has, and what of a fault goes where.

Known attributes have a typed column each; all others are in one map from name to text.
A value that its column cannot give back exactly is a *stray*: it is in the map, too,
and the layout says which attributes have strays, so that the map is read for no other.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import attrs

from coresnap.store.attributes.attribute import Kind
from coresnap.store.attributes.catalogue import COLUMNS, JOINED
from coresnap.store.fault import Fault, Value
from coresnap.store.index.contract import IndexedGroup
from coresnap.store.query.values import as_kind, as_text

__all__ = [
    "FIXED",
    "GROUP_COLUMNS",
    "INDEX_VERSION",
    "INITIAL_COLUMNS",
    "REST",
    "SEQUENCE",
    "Column",
    "Layout",
    "Placed",
    "bucket_of",
    "group_row",
    "place",
]

INDEX_VERSION = 2
"""Of what is written here. An index of another version is built again."""

SEQUENCE = "sequence"
REST = "rest"
FIXED = {
    "object": Kind.TEXT,
    "fingerprint": Kind.TEXT,
    "timestamp": Kind.INTEGER,
    "timestamp.received": Kind.INTEGER,
}
"""Attributes that every fault has; their columns hold the fields of ``Fault``."""

GROUP_COLUMNS = {
    name.removeprefix("group."): attribute.kind
    for name, attribute in JOINED.items()
    if name != "group"
}
"""Attributes of groups to their kinds."""

_INTEGERS = range(-(2**63), 2**63)
_LEAST_NUMBER = 1e-4
_NUMBER_LIMIT = 1e16


@attrs.frozen
class Column:
    """The column of one attribute."""

    attribute: str
    identifier: str
    """In SQL, without quotes; made by us, never a promoted attribute's name."""
    kind: Kind


INITIAL_COLUMNS = tuple(
    Column(name, name, attribute.kind) for name, attribute in COLUMNS.items()
)
"""What a new index begins with."""


@attrs.frozen
class Layout:
    """What one project's index consists of at one moment."""

    columns: tuple[Column, ...] = INITIAL_COLUMNS
    buckets: tuple[int, ...] = ()
    """Months of reception, ``year * 100 + month``, ascending; a table for each."""
    strays: frozenset[tuple[int, str]] = frozenset()
    """Bucket and attribute where the map has values of an attribute with a column."""
    hidden_before: int = 0
    """Faults received earlier are not there, though their bucket is."""
    by_attribute: Mapping[str, Column] = attrs.field(
        init=False,
        eq=False,
        repr=False,
        default=attrs.Factory(
            lambda self: {column.attribute: column for column in self.columns},
            takes_self=True,
        ),
    )

    def has_strays(self, attribute: str) -> bool:
        """Tell whether an attribute with a column has to be read from the map too."""
        return any((bucket, attribute) in self.strays for bucket in self.buckets)


@attrs.frozen
class Placed:
    """Faults of one bucket as rows."""

    bucket: int
    rows: list[list[Value | dict[str, str] | None]]
    """Sequence, one value for each of ``Layout.columns``, and the map."""
    strays: set[str]


def bucket_of(received: int) -> int:
    """Return the bucket of a fault: its month of reception, UTC."""
    moment = time.gmtime(received)
    return moment.tm_year * 100 + moment.tm_mon


def place(faults: Iterable[Fault], columns: tuple[Column, ...]) -> list[Placed]:
    """Make rows of faults, by bucket; of several with one sequence the last."""
    slots = {column.attribute: (n, column.kind) for n, column in enumerate(columns, 1)}
    placed: dict[int, Placed] = {}
    for fault in {fault.sequence: fault for fault in faults}.values():
        bucket = bucket_of(fault.received)
        if bucket not in placed:
            placed[bucket] = Placed(bucket, [], set())
        placed[bucket].rows.append(_row(fault, slots, placed[bucket].strays))
    return list(placed.values())


def _row(
    fault: Fault, slots: Mapping[str, tuple[int, Kind]], strays: set[str]
) -> list[Value | dict[str, str] | None]:
    row: list[Value | dict[str, str] | None] = [None] * (len(slots) + 2)
    rest: dict[str, str] = {}
    for name, value in fault.attributes.items():
        slot = slots.get(name)
        if slot is None:
            rest[name] = as_text(value)
        elif slot[1] is Kind.INTEGER and type(value) is int and value in _INTEGERS:
            row[slot[0]] = value
        elif slot[1] is Kind.TEXT or slot[1] is Kind.LABELS:
            row[slot[0]] = value if type(value) is str else as_text(value)
        elif slot[1] is Kind.NUMBER and type(value) is float and _is_plain(value):
            row[slot[0]] = value + 0.0
        else:
            rest[name] = as_text(value)
            strays.add(name)
    for name, fixed in _fixed(fault):
        row[slots[name][0]] = fixed
        rest.pop(name, None)
        strays.discard(name)
    row[0], row[-1] = fault.sequence, rest
    return row


def _fixed(fault: Fault) -> tuple[tuple[str, Value], ...]:
    return (
        ("object", fault.object),
        ("fingerprint", fault.fingerprint),
        ("timestamp", fault.time),
        ("timestamp.received", fault.received),
    )


def _is_plain(value: float) -> bool:
    """Tell whether an engine writes a number as Python does: without an exponent."""
    return value == 0 or _LEAST_NUMBER <= abs(value) < _NUMBER_LIMIT


def group_row(group: IndexedGroup) -> tuple[Value | None, ...]:
    """Return fingerprint, group and one value for each of ``GROUP_COLUMNS``."""
    values = (
        None if value is None else as_kind(value, kind)
        for value, kind in (
            (group.attributes.get(name), kind) for name, kind in GROUP_COLUMNS.items()
        )
    )
    return (group.fingerprint, group.group, *values)
