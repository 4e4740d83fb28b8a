"""Taking faults away: their bodies, or all that is known of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import attrs
from sqlalchemy import Connection, delete, update

from coresnap.store.accepting.queue import add_removal
from coresnap.store.accepting.rows import FaultRow, find_faults, next_sequence
from coresnap.store.attachments.keeping import remove_all
from coresnap.store.groups.noting import uncount
from coresnap.store.project import Project
from coresnap.store.retention.removals import note_removals
from coresnap.store.state.tables.faults import FAULTS, Body
from coresnap.store.store import Store

__all__ = ["Dropped", "drop_bodies", "forget"]

_BATCH = 500
"""Faults in one transaction: others write meanwhile."""


@attrs.frozen
class Dropped:
    """Bodies that were removed."""

    count: int
    size: int
    """Bytes."""


def drop_bodies(
    store: Store,
    project: Project,
    objects: Sequence[str],
    reason: str = "it was deleted",
    now: int | None = None,
) -> Dropped:
    """Remove the snapshots of some faults; their attributes stay.

    Returns what was there. The state is changed first, and remembers ``reason`` and
    when: what is killed between leaves bodies that nothing refers to, and these are
    swept up.
    """
    count = size = 0
    moment = int(time.time()) if now is None else now
    for some in _batches(objects):
        rows = store.state.transact(
            partial(_mark_dropped, project, some, reason, moment)
        )
        for row in rows:
            store.objects.remove(row.key)
        count += len(rows)
        size += sum(row.size for row in rows)
    return Dropped(count, size)


def forget(store: Store, project: Project, objects: Sequence[str]) -> int:
    """Remove some faults as if they had never come; return how many there were.

    They leave the index with what the indexer writes next, and a segment says so:
    an index that is made again does not bring them back.
    """
    forgotten = 0
    for some in _batches(objects):
        rows = store.state.transact(partial(_forget, project, some))
        for row in rows:
            if row.has_body:
                store.objects.remove(row.key)
        remove_all(store, project, [row.object for row in rows])
        forgotten += len(rows)
    return forgotten


def _mark_dropped(
    project: Project,
    objects: Sequence[str],
    reason: str,
    now: int,
    connection: Connection,
) -> list[FaultRow]:
    next_sequence(connection)  # of two that drop the same bodies one finds none
    rows = [row for row in find_faults(connection, project, objects) if row.has_body]
    with_body = [row.object for row in rows]
    note_removals(connection, project, with_body, reason, now)
    connection.execute(
        update(FAULTS)
        .where(FAULTS.c.project == project.id, FAULTS.c.object.in_(with_body))
        .values(body=Body.DROPPED, size=0)
    )
    return rows


def _forget(
    project: Project, objects: Sequence[str], connection: Connection
) -> list[FaultRow]:
    revision = next_sequence(connection)
    rows = find_faults(connection, project, objects)
    for row in rows:
        uncount(connection, project, row.fingerprint, revision)
    known = [row.object for row in rows]
    if known:
        connection.execute(
            delete(FAULTS).where(
                FAULTS.c.project == project.id, FAULTS.c.object.in_(known)
            )
        )
        add_removal(connection, project.id, known)
    return rows


def _batches(objects: Sequence[str]) -> list[Sequence[str]]:
    return [objects[at : at + _BATCH] for at in range(0, len(objects), _BATCH)]
