"""Forgetting all faults that were received before a time.

Whole months leave the index by dropping their tables, segments by unlinking; rows of
the state go in small transactions. Every step can be done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs
from sqlalchemy import Connection, delete, func, select

from coresnap.store.attachments.keeping import remove_all
from coresnap.store.index.segments import segment_key
from coresnap.store.objects.keys import body_key
from coresnap.store.project import Project
from coresnap.store.state.tables.attachments import ATTACHMENTS
from coresnap.store.state.tables.faults import FAULTS, Body
from coresnap.store.state.tables.queue import SEGMENTS
from coresnap.store.state.tables.retention import REMOVED_BODIES
from coresnap.store.store import Store

__all__ = ["Forgotten", "drop_old_index", "forget_some", "old_size"]

_BATCH = 500
_HAS_BODY = (Body.KEPT, Body.COMPRESSED)


@attrs.frozen
class Forgotten:
    """Faults that are not there any more."""

    count: int
    size: int
    """Bytes of their bodies."""
    last: int
    """Sequence of the last one."""


@attrs.frozen
class _OldFault:
    sequence: int
    object: str
    upload: str
    size: int
    body: int


def old_size(connection: Connection, project: Project, received: int) -> Forgotten:
    """Return what would be forgotten."""
    count, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(FAULTS.c.size), 0)).where(
            FAULTS.c.project == project.id, FAULTS.c.received < received
        )
    ).one()
    return Forgotten(count, int(size), 0)


def forget_some(
    store: Store, project: Project, received: int, after: int
) -> Forgotten | None:
    """Forget the next faults behind a sequence; None if there are none left."""
    with store.state.read() as connection:
        rows = _next_old(connection, project, received, after)
        attached = _with_attachments(connection, project, [row.object for row in rows])
    if not rows:
        return None
    # Before the rows, by which they are found.
    remove_all(store, project, attached)
    store.state.transact(partial(_forget, project, rows))
    bodies = [row for row in rows if row.body in _HAS_BODY]
    for row in bodies:
        store.objects.remove(body_key(project.id, row.object, row.upload))
    return Forgotten(len(rows), sum(row.size for row in bodies), rows[-1].sequence)


def _next_old(
    connection: Connection, project: Project, received: int, after: int
) -> list[_OldFault]:
    columns = FAULTS.c
    rows = connection.execute(
        select(*(columns[field.name] for field in attrs.fields(_OldFault)))
        .where(
            columns.project == project.id,
            columns.sequence > after,
            columns.received < received,
        )
        .order_by(columns.sequence)
        .limit(_BATCH)
    )
    return [_OldFault(*row) for row in rows]


def _with_attachments(
    connection: Connection, project: Project, objects: Sequence[str]
) -> list[str]:
    columns = ATTACHMENTS.c
    return list(
        connection.execute(
            select(columns.object)
            .distinct()
            .where(columns.project == project.id, columns.object.in_(objects))
        ).scalars()
    )


def _forget(
    project: Project, rows: Sequence[_OldFault], connection: Connection
) -> None:
    columns, removed = FAULTS.c, REMOVED_BODIES.c
    connection.execute(
        delete(FAULTS).where(
            columns.project == project.id,
            columns.sequence.in_([row.sequence for row in rows]),
        )
    )
    connection.execute(
        delete(REMOVED_BODIES).where(
            removed.project == project.id,
            removed.object.in_([row.object for row in rows]),
        )
    )


def drop_old_index(store: Store, project: Project, received: int) -> None:
    """Let the index forget what was received before, and the segments as well."""
    store.index.drop_before(project.id, received)
    with store.state.read() as connection:
        numbers = _old_segments(connection, project, received)
    for number in numbers:
        store.objects.remove(segment_key(project.id, number))
    if numbers:
        last = numbers[-1]
        store.state.transact(lambda c: _remove_segments(c, project, last))


def _old_segments(connection: Connection, project: Project, received: int) -> list[int]:
    """Return the segments before the first one with something that stays.

    A segment can also say that earlier faults were removed, so that it stays as long as
    they do; and the last one stays for its number.
    """
    columns = SEGMENTS.c
    of_project = columns.project == project.id
    keep = connection.execute(
        select(
            func.min(columns.number).filter(columns.last_received >= received),
            func.max(columns.number),
        ).where(of_project)
    ).one()
    numbers = [number for number in keep if number is not None]
    if not numbers:
        return []
    return list(
        connection.execute(
            select(columns.number)
            .where(of_project, columns.number < min(numbers))
            .order_by(columns.number)
        ).scalars()
    )


def _remove_segments(connection: Connection, project: Project, last: int) -> None:
    columns = SEGMENTS.c
    connection.execute(
        delete(SEGMENTS).where(columns.project == project.id, columns.number <= last)
    )
