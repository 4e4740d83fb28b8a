"""When and why a fault lost its body."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from coresnap.errors import MissingError
from coresnap.snapshot.escape import printable
from coresnap.store.accepting.rows import FaultRow
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import Body
from coresnap.store.state.tables.retention import REMOVED_BODIES

__all__ = ["no_body", "note_removals"]


def note_removals(
    connection: Connection,
    project: Project,
    objects: Sequence[str],
    reason: str,
    now: int,
) -> None:
    """Remember that bodies are removed, in the transaction that does it."""
    columns = REMOVED_BODIES.c
    connection.execute(
        delete(REMOVED_BODIES).where(
            columns.project == project.id, columns.object.in_(objects)
        )
    )
    row = {"project": project.id, "removed": now, "reason": reason[:128]}
    if objects:
        rows = [{**row, "object": object_id} for object_id in objects]
        connection.execute(insert(REMOVED_BODIES), rows)


def no_body(connection: Connection, project: Project, row: FaultRow) -> MissingError:
    """Return the error of who asks for a body that is not there: when it went, and
    why."""
    remedy = "What the index knows of it can be asked: `coroner list --select '*'`."
    if row.body is Body.SUMMARY:
        return MissingError(
            f"the snapshot of fault {row.object} was never kept: sampling wanted its "
            "attributes alone",
            remedy=f"{remedy} `coroner sampling status` says what is kept.",
        )
    columns = REMOVED_BODIES.c
    removal = connection.execute(
        select(columns.removed, columns.reason).where(
            columns.project == project.id, columns.object == row.object
        )
    ).first()
    why = ""
    if removal is not None:
        day = datetime.datetime.fromtimestamp(removal.removed, datetime.UTC)
        why = f" since {day:%Y-%m-%d %H:%M:%S} UTC: {printable(removal.reason)}"
    return MissingError(
        f"the snapshot of fault {row.object} is not kept any more{why}", remedy=remedy
    )
