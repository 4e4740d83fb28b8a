"""What a state does not know that came from a backup: the segments tell it."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, delete, update

from coresnap.errors import MissingError
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.accepting.queue import Waiting, discard_if
from coresnap.store.accepting.rows import (
    FaultRow,
    find_fault,
    find_faults,
    next_sequence,
    write_fault,
)
from coresnap.store.accepting.segment_rows import add_segment, last_segment
from coresnap.store.access.projects import all_projects
from coresnap.store.attributes import discovery
from coresnap.store.fault import Fault
from coresnap.store.groups import noting
from coresnap.store.index.contract import Segment
from coresnap.store.index.segments import decode_segment, segment_key
from coresnap.store.objects.keys import body_key
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import FAULTS, LAST_SEQUENCE, Body
from coresnap.store.store import Store

__all__ = ["take_over"]

_TITLE_FRAMES = 3


def take_over(store: Store) -> int:
    """Make the state know every segment that is in the objects; return how many.

    It costs a look for each project where there are none.
    """
    with store.state.read() as connection:
        projects = all_projects(connection)
    return sum(_take_over(store, project) for project in projects)


def _take_over(store: Store, project: Project) -> int:
    taken = 0
    # Not beside an indexer, which writes the next segment just now.
    with store.state.alone(project.id) as is_alone:
        while is_alone:
            with store.state.read() as connection:
                number = last_segment(connection, project.id) + 1
            segment = _find_segment(store, project, number)
            if segment is None:
                break
            sizes = {f.object: _size(store, project, f) for f in segment.faults}
            store.state.transact(partial(_add, project, segment, sizes))
            taken += 1
        if taken:
            store.state.transact(partial(_tidy_queue, project))
    return taken


def _find_segment(store: Store, project: Project, number: int) -> Segment | None:
    try:
        with store.objects.open(segment_key(project.id, number)) as file:
            return decode_segment(file.read(), project.id, number)
    except MissingError:
        return None


def _size(store: Store, project: Project, fault: Fault) -> int | None:
    """Return the bytes of a fault's body; None if it is not there."""
    if not fault.upload:
        return None
    try:
        return store.objects.stat(body_key(project.id, fault.object, fault.upload)).size
    except MissingError:
        return None


def _add(
    project: Project,
    segment: Segment,
    sizes: dict[str, int | None],
    connection: Connection,
) -> None:
    for fault in segment.faults:
        if fault.digest:
            _add_fault(connection, project, fault, sizes[fault.object])
    _remove(connection, project, segment)
    add_segment(connection, segment)
    latest = max((fault.sequence for fault in segment.faults), default=0)
    connection.execute(
        update(LAST_SEQUENCE).where(LAST_SEQUENCE.c.value < latest).values(value=latest)
    )


def _add_fault(
    connection: Connection, project: Project, fault: Fault, size: int | None
) -> None:
    known = find_fault(connection, project, fault.object)
    if known is not None and known.upload == fault.upload:
        return  # it was accepted before the backup, and indexed later
    row = FaultRow(
        project=project.id,
        object=fault.object,
        sequence=fault.sequence,
        fingerprint=fault.fingerprint,
        digest=fault.digest,
        upload=fault.upload,
        size=size or 0,
        body=Body.DROPPED if size is None else Body.KEPT,
        time=fault.time,
        received=fault.received,
    )
    write_fault(connection, project, row, is_new=known is None)
    arrival = _arrival(fault)
    discovery.note(connection, project, arrival)
    replaced = None if known is None else known.fingerprint
    noting.note(connection, project, fault, arrival, replaced)


def _tidy_queue(project: Project, connection: Connection) -> None:
    """Let the index not be told again what was replaced or forgotten later."""

    def is_outdated(entry: Waiting) -> bool:
        if entry.fault is None:
            return False
        row = find_fault(connection, project, entry.fault.object)
        return row is None or row.upload != entry.fault.upload

    discard_if(connection, project.id, is_outdated)


def _arrival(fault: Fault) -> Arrival:
    """Return what arrived, as far as the index was told."""
    callstack = tuple(str(fault.attributes.get("callstack", "")).splitlines())
    application = str(fault.attributes.get("application", "?"))
    size = fault.attributes.get("object.size", 0)
    return Arrival(
        object=fault.object,
        digest=fault.digest,
        size=size if isinstance(size, int) else 0,
        time=fault.time,
        fingerprint=fault.fingerprint,
        title=f"{application}: {' ← '.join(callstack[:_TITLE_FRAMES])}",
        callstack=callstack,
        attributes=fault.attributes,
    )


def _remove(connection: Connection, project: Project, segment: Segment) -> None:
    rows = find_faults(connection, project, list(segment.removed))
    if not rows:
        return
    revision = next_sequence(connection)
    for row in rows:
        noting.uncount(connection, project, row.fingerprint, revision)
    connection.execute(
        delete(FAULTS).where(
            FAULTS.c.project == project.id,
            FAULTS.c.object.in_([row.object for row in rows]),
        )
    )
