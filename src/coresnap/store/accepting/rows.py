"""The state's row of a fault: finding and writing it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from sqlalchemy import Connection, insert, select, update

from coresnap.store.objects.keys import body_key
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import FAULTS, LAST_SEQUENCE, Body

__all__ = ["FaultRow", "find_fault", "find_faults", "next_sequence", "write_fault"]


@attrs.frozen
class FaultRow:
    """What the state knows of one fault."""

    project: int
    object: str
    sequence: int
    fingerprint: str
    digest: str
    """SHA-256 of what was sent."""
    upload: str
    """Which attempt its body came with; the end of the body's key."""
    size: int
    """Bytes that are stored."""
    body: Body
    time: int
    received: int

    @property
    def key(self) -> str:
        """Where its body is, if it is."""
        return body_key(self.project, self.object, self.upload)

    @property
    def has_body(self) -> bool:
        """Whether its body should be there."""
        return self.body in (Body.KEPT, Body.COMPRESSED)


_COLUMNS = [FAULTS.c[field.name] for field in attrs.fields(FaultRow)]


def find_fault(
    connection: Connection, project: Project, object_id: str
) -> FaultRow | None:
    """Return the row of an object in a project, if it is there."""
    found = find_faults(connection, project, [object_id])
    return found[0] if found else None


def find_faults(
    connection: Connection, project: Project, objects: Sequence[str]
) -> list[FaultRow]:
    """Return the rows of those objects that are there."""
    rows = connection.execute(
        select(*_COLUMNS).where(
            FAULTS.c.project == project.id, FAULTS.c.object.in_(objects)
        )
    )
    return [_fault_row(*row) for row in rows]


def _fault_row(*values: object) -> FaultRow:
    row = FaultRow(*values)  # type: ignore[arg-type]
    return attrs.evolve(row, body=Body(row.body))


def next_sequence(connection: Connection) -> int:
    """Return the next sequence; nobody else gets one before this transaction ends."""
    sequence: int = connection.execute(
        update(LAST_SEQUENCE)
        .values(value=LAST_SEQUENCE.c.value + 1)
        .returning(LAST_SEQUENCE.c.value)
    ).scalar_one()
    return sequence


def write_fault(
    connection: Connection, project: Project, row: FaultRow, *, is_new: bool
) -> None:
    """Insert a row, or change the one of the same object."""
    values = attrs.asdict(row)
    if is_new:
        connection.execute(insert(FAULTS), values)
        return
    connection.execute(
        update(FAULTS)
        .where(FAULTS.c.project == project.id, FAULTS.c.object == row.object)
        .values(values)
    )
