"""What waits for the index: accepted faults, and objects that are to be forgotten."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import msgspec
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from coresnap.store.fault import Fault
from coresnap.store.state.prepared import Prepared
from coresnap.store.state.state import State
from coresnap.store.state.tables.queue import QUEUE

__all__ = [
    "Backlog",
    "Kind",
    "Waiting",
    "add_fault",
    "add_removal",
    "assign",
    "assigned",
    "backlog",
    "discard",
    "discard_if",
    "last_position",
    "projects_that_wait",
    "unassigned",
]

_SECOND = 1_000_000
_INSERT = Prepared(insert(QUEUE))


class Kind(enum.IntEnum):
    """What an entry's content is."""

    FAULT = 1
    REMOVAL = 2
    """Ids of objects that the index is to forget."""


@attrs.frozen
class Backlog:
    """How far the index is behind."""

    depth: int
    """Entries that wait."""
    age: float
    """Of the oldest, in seconds; 0 without any."""


@attrs.frozen
class Waiting:
    """One entry, in the order of acceptance."""

    position: int
    fault: Fault | None
    removed: tuple[str, ...] = ()


def add_fault(connection: Connection, project: int, fault: Fault) -> None:
    """Let a fault wait for the index."""
    _add(connection, project, Kind.FAULT, msgspec.msgpack.encode(fault))


def add_removal(connection: Connection, project: int, objects: Sequence[str]) -> None:
    """Let the index forget some objects; what waits before them is written first."""
    _add(connection, project, Kind.REMOVAL, msgspec.msgpack.encode(list(objects)))


def backlog(state: State, now: float | None = None) -> Backlog:
    """Return how much waits for the index, and how long."""
    numbers = select(func.count(), func.min(QUEUE.c.queued))
    with state.read() as connection:
        depth, oldest = connection.execute(numbers.select_from(QUEUE)).one()
    if not depth:
        return Backlog(0, 0.0)
    now = time.time() if now is None else now
    return Backlog(depth, max(0.0, now - oldest / _SECOND))


def projects_that_wait(connection: Connection) -> tuple[int, ...]:
    """Return the ids of projects with entries in the queue."""
    ids = select(QUEUE.c.project).distinct().order_by(QUEUE.c.project)
    return tuple(connection.execute(ids).scalars())


def last_position(connection: Connection, project: int) -> int:
    """Return the position of a project's last entry; 0 for none."""
    positions = select(func.max(QUEUE.c.position)).where(QUEUE.c.project == project)
    return connection.execute(positions).scalar() or 0


def unassigned(connection: Connection, project: int, most: int) -> list[Waiting]:
    """Return a project's first entries that no segment has; a removal is the last."""
    rows = connection.execute(
        _entries(project).where(QUEUE.c.segment.is_(None)).limit(most)
    )
    taken = []
    for row in rows:
        taken.append(_waiting(row))
        if taken[-1].fault is None:
            break
    return taken


def assigned(connection: Connection, project: int) -> tuple[int, list[Waiting]]:
    """Return the segment that was begun and not finished; number 0 if there is none."""
    numbers = select(func.min(QUEUE.c.segment)).where(QUEUE.c.project == project)
    number = connection.execute(numbers).scalar()
    if number is None:
        return 0, []
    rows = connection.execute(_entries(project).where(QUEUE.c.segment == number))
    return number, [_waiting(row) for row in rows]


def assign(
    connection: Connection, project: int, number: int, entries: Iterable[Waiting]
) -> None:
    """Give entries to a segment, for good."""
    positions = [entry.position for entry in entries]
    connection.execute(
        update(QUEUE)
        .where(QUEUE.c.project == project, QUEUE.c.position.in_(positions))
        .values(segment=number)
    )


def discard(connection: Connection, project: int, number: int) -> None:
    """Remove the entries of a segment that is written."""
    connection.execute(
        delete(QUEUE).where(QUEUE.c.project == project, QUEUE.c.segment == number)
    )


def discard_if(
    connection: Connection, project: int, is_outdated: Callable[[Waiting], bool]
) -> None:
    """Remove those entries that no segment has and ``is_outdated`` is true of."""
    rows = connection.execute(_entries(project).where(QUEUE.c.segment.is_(None)))
    outdated = [row.position for row in rows if is_outdated(_waiting(row))]
    connection.execute(delete(QUEUE).where(QUEUE.c.position.in_(outdated)))


def _add(connection: Connection, project: int, kind: Kind, content: bytes) -> None:
    _INSERT.run(
        connection,
        {
            "project": project,
            "kind": kind,
            "content": content,
            "queued": int(time.time() * _SECOND),
        },
    )


def _entries(project: int) -> Select[Any]:
    return (
        select(QUEUE.c.position, QUEUE.c.kind, QUEUE.c.content)
        .where(QUEUE.c.project == project)
        .order_by(QUEUE.c.position)
    )


def _waiting(row: Row[Any]) -> Waiting:
    if row.kind == Kind.REMOVAL:
        removed = msgspec.msgpack.decode(row.content, type=tuple[str, ...])
        return Waiting(row.position, None, removed)
    return Waiting(row.position, msgspec.msgpack.decode(row.content, type=Fault))
