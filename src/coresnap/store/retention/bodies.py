"""The bodies that a project has, in the order of acceptance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import attrs
from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Row,
    TextClause,
    column,
    func,
    select,
    text,
)

from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import FAULTS, KEPT, Body
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS

__all__ = [
    "KeptBody",
    "Left",
    "Size",
    "crowded_bodies",
    "everything",
    "kept_bodies",
    "size_of",
]

_CHUNK = 500
_NAMES = ("sequence", "object", "fingerprint", "size", "received", "body")
_COLUMNS = [FAULTS.c[name] for name in _NAMES]


@attrs.frozen
class Size:
    """What the bodies of a project take."""

    count: int
    size: int
    """Bytes."""


@attrs.frozen
class KeptBody:
    """One body that is there."""

    sequence: int
    object: str
    fingerprint: str
    size: int
    """Bytes."""
    received: int
    """When the store accepted it: seconds, UTC."""
    is_compressed: bool
    is_first: bool
    """No other body of its group came earlier."""
    is_active: bool
    """Its group is open, in progress or assigned to somebody."""


@attrs.frozen
class _Standing:
    group: str
    is_active: bool


def _kept_faults(connection: Connection) -> TextClause:
    """Return the table for sums over bodies.

    SQLite would take the primary key, and read every fault: 110 ms of a million.
    """
    index = " INDEXED BY ix_fault_kept" if connection.dialect.name == "sqlite" else ""
    return text(f"{FAULTS.name}{index}")


def size_of(connection: Connection, project: Project) -> Size:
    """Return what the bodies of ``project`` take."""
    # Columns without their table, which is named in another way.
    owner, bytes_ = column("project", Integer), column("size", BigInteger)
    count, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(bytes_), 0))
        .select_from(_kept_faults(connection))
        .where(owner == project.id, KEPT)
    ).one()
    return Size(count, int(size))


Left = Callable[[int, int], bool]
"""Whether a body is to be seen, by sequence and time of reception."""


def everything(sequence: int, received: int) -> bool:
    """See every body."""
    return True


def kept_bodies(
    state: State, project: Project, left: Left = everything
) -> Iterator[KeptBody]:
    """Yield the bodies of ``project`` that are ``left``, the oldest first.

    Read in small transactions, between which others may write: what is removed
    meanwhile can still be yielded.
    """
    after = 0
    seen: set[str] = set()
    while True:
        with state.read() as connection:
            rows = connection.execute(
                select(*_COLUMNS)
                .where(FAULTS.c.project == project.id, FAULTS.c.sequence > after, KEPT)
                .order_by(FAULTS.c.sequence)
                .limit(_CHUNK)
            ).all()
            standings = _standings(connection, project, {r.fingerprint for r in rows})
        for row in rows:
            if not left(row.sequence, row.received):
                continue
            standing = standings.get(row.fingerprint, _Standing(row.fingerprint, True))
            is_first = standing.group not in seen
            seen.add(standing.group)
            yield _body(row, is_first=is_first, is_active=standing.is_active)
        if len(rows) < _CHUNK:
            return
        after = rows[-1].sequence


def crowded_bodies(
    state: State, project: Project, first: int, last: int, left: Left = everything
) -> Iterator[KeptBody]:
    """Yield, of fingerprints with more bodies, all but the ``first`` and ``last``."""
    columns = FAULTS.c
    of_project = columns.project == project.id
    with state.read() as connection:
        crowded = connection.execute(
            select(columns.fingerprint)
            .where(of_project, KEPT)
            .group_by(columns.fingerprint)
            .having(func.count() > first + last)
        ).scalars()
        fingerprints = sorted(crowded)
    for fingerprint in fingerprints:
        with state.read() as connection:
            rows = connection.execute(
                select(*_COLUMNS)
                .where(of_project, columns.fingerprint == fingerprint, KEPT)
                .order_by(columns.sequence)
            ).all()
        rows = [row for row in rows if left(row.sequence, row.received)]
        for row in rows[first : max(first, len(rows) - last)]:
            yield _body(row, is_first=False, is_active=False)


def _body(row: Row[Any], *, is_first: bool, is_active: bool) -> KeptBody:
    return KeptBody(
        row.sequence,
        row.object,
        row.fingerprint,
        row.size,
        row.received,
        row.body == Body.COMPRESSED,
        is_first,
        is_active,
    )


def _standings(
    connection: Connection, project: Project, fingerprints: Collection[str]
) -> Mapping[str, _Standing]:
    rows = connection.execute(
        select(
            FINGERPRINTS.c.fingerprint,
            FINGERPRINTS.c.group,
            GROUPS.c.state,
            GROUPS.c.assignee,
        )
        .join(
            GROUPS,
            (GROUPS.c.project == FINGERPRINTS.c.project)
            & (GROUPS.c.id == FINGERPRINTS.c.group),
        )
        .where(
            FINGERPRINTS.c.project == project.id,
            FINGERPRINTS.c.fingerprint.in_(fingerprints),
        )
    )
    return {
        fingerprint: _Standing(
            group, state in ("open", "in-progress") or bool(assignee)
        )
        for fingerprint, group, state, assignee in rows
    }
