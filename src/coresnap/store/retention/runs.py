"""The row of the state that says what retention does and did in a project.

Whoever runs it holds a lease, so that of several servers one does; a server that is
killed loses it by itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from coresnap.store.api.retention import Outcome
from coresnap.store.project import Project
from coresnap.store.state.dialect import insert_or_ignore
from coresnap.store.state.tables.retention import RETENTION_RUNS

__all__ = ["add_outcome", "begin_run", "end_run", "find_run", "note_forgotten"]

_LEASE = 120
"""Seconds: longer than any batch takes."""
_COUNTS = ("compressed", "dropped", "forgotten", "freed")


def find_run(connection: Connection, project: Project) -> Row[Any] | None:
    """Return the row of a project; None if retention never looked at it."""
    return connection.execute(
        select(RETENTION_RUNS).where(RETENTION_RUNS.c.project == project.id)
    ).first()


def begin_run(
    connection: Connection, project: Project, holder: str, now: int, rest: int
) -> bool:
    """Take the lease; False if another one has it, or ended less than ``rest`` ago."""
    columns = RETENTION_RUNS.c
    zero = dict.fromkeys([*_COUNTS, *(f"total_{name}" for name in _COUNTS)], 0)
    row = {"project": project.id, "lease": 0, "error": "", **zero}
    insert_or_ignore(connection, RETENTION_RUNS, row)
    # To go on with a run that was begun is not to begin one.
    new = connection.execute(
        select(columns.started).where(columns.project == project.id)
    ).scalar()
    values: dict[str, Any] = {"holder": holder, "lease": now + _LEASE}
    if new is None:
        values |= {"started": now, **dict.fromkeys(_COUNTS, 0)}
    done = connection.execute(
        update(RETENTION_RUNS)
        .where(
            columns.project == project.id,
            (columns.lease <= now) | (columns.holder == holder),
            columns.started.is_not(None)
            | columns.finished.is_(None)
            | (columns.finished <= now - rest)
            | (columns.finished > now),
        )
        .values(values)
    )
    return done.rowcount > 0


def add_outcome(
    connection: Connection, project: Project, outcome: Outcome, now: int
) -> None:
    """Count what a batch did, and keep the lease."""
    columns = RETENTION_RUNS.c
    changes: dict[str, Any] = {}
    for name in _COUNTS:
        value = getattr(outcome, name)
        changes[name] = columns[name] + value
        changes[f"total_{name}"] = columns[f"total_{name}"] + value
    connection.execute(
        update(RETENTION_RUNS)
        .where(columns.project == project.id)
        .values(lease=now + _LEASE, **changes)
    )


def end_run(
    connection: Connection,
    project: Project,
    now: int,
    *,
    is_finished: bool,
    error: str = "",
) -> None:
    """Give the lease back; a run that is not finished goes on the next time."""
    values: dict[str, Any] = {"holder": None, "lease": 0, "error": error[:512]}
    if is_finished:
        values |= {"started": None, "finished": now}
    connection.execute(
        update(RETENTION_RUNS)
        .where(RETENTION_RUNS.c.project == project.id)
        .values(values)
    )


def note_forgotten(connection: Connection, project: Project, received: int) -> None:
    """Remember that faults received before are not there any more."""
    connection.execute(
        update(RETENTION_RUNS)
        .where(RETENTION_RUNS.c.project == project.id)
        .values(forgotten_before=received)
    )
