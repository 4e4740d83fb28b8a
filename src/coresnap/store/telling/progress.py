"""How far a project's changes were looked at, and how far they can be."""

from __future__ import annotations

import attrs
import msgspec
from sqlalchemy import Connection, select, update

from coresnap.store.accepting.queue import Kind
from coresnap.store.fault import Fault
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import LAST_SEQUENCE
from coresnap.store.state.tables.queue import QUEUE
from coresnap.store.state.tables.telling import TELLING

__all__ = ["Progress", "advance", "find_progress", "indexed_until"]


@attrs.frozen
class Progress:
    """What was looked at."""

    revision: int
    history: int


def find_progress(connection: Connection, project: Project) -> Progress | None:
    """Return how far it is; None where nobody ever wanted to be told."""
    row = connection.execute(
        select(TELLING.c.revision, TELLING.c.history).where(
            TELLING.c.project == project.id
        )
    ).one_or_none()
    return None if row is None else Progress(*row)


def advance(
    connection: Connection, project: Project, old: Progress, new: Progress
) -> bool:
    """Go on, unless another server did so meanwhile: then return False."""
    done = connection.execute(
        update(TELLING)
        .where(
            TELLING.c.project == project.id,
            TELLING.c.revision == old.revision,
            TELLING.c.history == old.history,
        )
        .values(revision=new.revision, history=new.history)
    )
    return done.rowcount == 1


def indexed_until(connection: Connection, project: Project) -> int:
    """Return a sequence up to which the index has every fault of the project."""
    columns = QUEUE.c
    content = connection.execute(
        select(columns.content)
        .where(columns.project == project.id, columns.kind == Kind.FAULT)
        .order_by(columns.position)
        .limit(1)
    ).scalar()
    if content is None:
        last: int = connection.execute(select(LAST_SEQUENCE.c.value)).scalar_one()
        return last
    return msgspec.msgpack.decode(content, type=Fault).sequence - 1
