"""Faults made by hand."""

from __future__ import annotations

import hashlib

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.fault import Fault, Value
from coresnap.store.index.contract import Index
from coresnap.store.query.query import Query

__all__ = ["KNOWN", "OCTOBER", "SEPTEMBER", "counted", "fault", "selected"]

SEPTEMBER, OCTOBER = 1_757_000_000, 1_759_500_000
"""2025-09-04 and 2025-10-03."""

KNOWN = CATALOGUE | {
    name: Attribute(name, kind)
    for name, kind in (
        ("x.text", Kind.TEXT),
        ("x.count", Kind.INTEGER),
        ("x.ratio", Kind.NUMBER),
        ('it\'s \\ a "name"', Kind.TEXT),
    )
}


def fault(
    sequence: int, *, received: int = OCTOBER, name: str = "", **attributes: Value
) -> Fault:
    """A fault whose attributes are given with ``_`` for the dot."""
    object_id = name or hashlib.md5(str(sequence).encode()).hexdigest()
    fingerprint = hashlib.sha256(str(sequence % 3).encode()).hexdigest()
    return Fault(
        object_id,
        sequence,
        received - 5,
        received,
        fingerprint,
        {key.replace("_", "."): value for key, value in attributes.items()},
    )


def selected(index: Index, *names: str, project: int = 1) -> list[tuple[object, ...]]:
    """All faults' values, in the order of acceptance."""
    result = index.query(project, Query(select=names, limit=1000), KNOWN)
    return [row.values for row in reversed(result.rows)]


def counted(index: Index, project: int = 1) -> int:
    """How many faults there are."""
    return index.query(project, Query(), KNOWN).faults
