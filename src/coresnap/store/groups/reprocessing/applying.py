"""New fingerprints put into use: groups first, at once; then faults, some at a time.

Each fault's record is written again, so that the index takes it over (ADR 36). Stopped
anywhere, it goes on where it was.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from coresnap.store.accepting.queue import add_fault, projects_that_wait
from coresnap.store.accepting.rows import FaultRow, find_faults, next_sequence
from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.attributes.known import known
from coresnap.store.fault import Fault, Value
from coresnap.store.groups.counting import recount
from coresnap.store.groups.history import Author
from coresnap.store.groups.reprocessing.preparing import prepare
from coresnap.store.groups.reprocessing.staging import is_begun
from coresnap.store.project import Project
from coresnap.store.query.limits import SELECT
from coresnap.store.query.query import AnyOf, Condition, Operator, Query
from coresnap.store.state.tables.faults import FAULTS
from coresnap.store.state.tables.groups import FINGERPRINTS, REPROCESSED, REPROCESSING
from coresnap.store.store import Store

__all__ = ["apply_some"]

_BATCH = 100
"""Faults in one transaction: puts wait meanwhile, and a query has 200 conditions."""


def apply_some(
    store: Store, project: Project, author: Author, seconds: float = 2.0
) -> tuple[int, int]:
    """Move faults to their new fingerprints, for about so long.

    Returns how many were moved and how many are left: call again until none is.
    """
    store.state.transact(lambda c: _begin(c, project, author))
    end = time.monotonic() + seconds
    moved = 0
    while True:
        with store.state.read() as connection:
            rows = _next(connection, project)
            is_behind = project.id in projects_that_wait(connection)
        indexed = _indexed(store, project, [row.object for row in rows])
        # What the index does not have yet cannot be written again.
        ready = [row for row in rows if row.object in indexed or not is_behind]
        if ready:
            moved += _transact(store, project, ready, indexed)
        if not ready or time.monotonic() > end:
            break
    return moved, store.state.transact(lambda c: _finish(c, project))


def _transact(
    store: Store,
    project: Project,
    rows: list[Row[Any]],
    indexed: dict[str, dict[str, Value]],
) -> int:
    return store.state.transact(lambda c: _move(c, project, rows, indexed))


def _begin(connection: Connection, project: Project, author: Author) -> None:
    if is_begun(connection, project):
        return
    revision = next_sequence(connection)  # whoever notes or changes groups waits
    prepare(connection, project, author, revision)
    connection.execute(
        insert(REPROCESSING).values(project=project.id, begun=author.now)
    )


def _next(connection: Connection, project: Project) -> list[Row[Any]]:
    columns = REPROCESSED.c
    found = select(REPROCESSED).where(columns.project == project.id)
    return list(connection.execute(found.order_by(columns.object).limit(_BATCH)))


def _indexed(
    store: Store, project: Project, objects: list[str]
) -> dict[str, dict[str, Value]]:
    """Return all attributes of some faults, as the index has them."""
    found: dict[str, dict[str, Value]] = {}
    if not objects:
        return found
    with store.state.read() as connection:
        attributes = known(connection, project)
    names = sorted(attributes.keys() - JOINED.keys() - {"object"})
    conditions = (Condition("object", Operator.EQUAL, one) for one in objects)
    filter = AnyOf(tuple(conditions))
    for first in range(0, len(names), SELECT - 1):
        some = ("object", *names[first : first + SELECT - 1])
        query = Query(filter=filter, select=some, limit=len(objects))
        for row in store.index.query(project.id, query, attributes).rows:
            values = dict(zip(some, row.values, strict=True))
            own = found.setdefault(str(values["object"]), {})
            own |= {name: value for name, value in values.items() if value is not None}
    return found


def _move(
    connection: Connection,
    project: Project,
    rows: list[Row[Any]],
    indexed: dict[str, dict[str, Value]],
) -> int:
    revision = next_sequence(connection)
    objects = [row.object for row in rows]
    faults = {one.object: one for one in find_faults(connection, project, objects)}
    done = 0
    touched = set()
    for row in rows:
        fault = faults.get(row.object)
        if fault is None or fault.fingerprint != row.old:
            continue  # forgotten, or replaced meanwhile
        _count(connection, project, row.old, -1, fault)
        _count(connection, project, row.new, +1, fault)
        connection.execute(
            update(FAULTS)
            .where(FAULTS.c.project == project.id, FAULTS.c.object == row.object)
            .values(fingerprint=row.new)
        )
        if row.object in indexed:
            record = _record(fault, indexed[row.object], row)
            add_fault(connection, project.id, record)
        touched |= {row.old, row.new}
        done += 1
    connection.execute(
        delete(REPROCESSED).where(
            REPROCESSED.c.project == project.id, REPROCESSED.c.object.in_(objects)
        )
    )
    columns = FINGERPRINTS.c
    groups = connection.execute(
        select(columns.group)
        .where(columns.project == project.id, columns.fingerprint.in_(touched))
        .distinct()
    ).scalars()
    for group in groups.all():
        recount(connection, project, group, revision)
    return done


def _count(
    connection: Connection,
    project: Project,
    fingerprint: str,
    number: int,
    fault: FaultRow,
) -> None:
    columns = FINGERPRINTS.c
    when = min(fault.time, fault.received)
    times: dict[str, Any] = {}
    if number > 0:
        row = connection.execute(
            select(columns.first_seen, columns.last_seen).where(
                columns.project == project.id, columns.fingerprint == fingerprint
            )
        ).one()
        times = {
            "first_seen": min(when, row.first_seen or when),
            "last_seen": max(when, row.last_seen),
        }
    connection.execute(
        update(FINGERPRINTS)
        .where(columns.project == project.id, columns.fingerprint == fingerprint)
        .values(count=columns.count + number, **times)
    )


def _record(fault: FaultRow, attributes: dict[str, Value], row: Row[Any]) -> Fault:
    kept = {
        name: value
        for name, value in attributes.items()
        if not name.startswith("fingerprint.")
    }
    return Fault(
        object=fault.object,
        sequence=fault.sequence,
        time=fault.time,
        received=fault.received,
        fingerprint=row.new,
        attributes={**kept, **row.attributes, "fingerprint": row.new},
        digest=fault.digest,
        upload=fault.upload,
    )


def _finish(connection: Connection, project: Project) -> int:
    """Return how many are left; without any, new ones can be noted."""
    mine = REPROCESSED.c.project == project.id
    left = connection.execute(
        select(func.count()).select_from(REPROCESSED).where(mine)
    ).scalar_one()
    if not left:
        connection.execute(
            delete(REPROCESSING).where(REPROCESSING.c.project == project.id)
        )
    return int(left)
