"""The state's row of a fault: finding and writing it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from sqlalchemy import Connection, bindparam, insert, select, update

from coresnap.store.objects.keys import body_key
from coresnap.store.project import Project
from coresnap.store.state.prepared import Prepared
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
    body: Body = attrs.field(converter=Body)
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
_FIND = Prepared(
    select(*_COLUMNS).where(
        FAULTS.c.project == bindparam("in_project"),
        FAULTS.c.object == bindparam("of_object"),
    )
)
_NEXT = Prepared(
    update(LAST_SEQUENCE)
    .values(value=LAST_SEQUENCE.c.value + 1)
    .returning(LAST_SEQUENCE.c.value)
)
_INSERT = Prepared(insert(FAULTS))


def find_fault(
    connection: Connection, project: Project, object_id: str
) -> FaultRow | None:
    """Return the row of an object in a project, if it is there."""
    parameters = {"in_project": project.id, "of_object": object_id}
    rows = _FIND.run(connection, parameters)
    return FaultRow(*rows[0]) if rows else None


def find_faults(
    connection: Connection, project: Project, objects: Sequence[str]
) -> list[FaultRow]:
    """Return the rows of those objects that are there."""
    rows = connection.execute(
        select(*_COLUMNS).where(
            FAULTS.c.project == project.id, FAULTS.c.object.in_(objects)
        )
    )
    return [FaultRow(*row) for row in rows]


def next_sequence(connection: Connection) -> int:
    """Return the next sequence; nobody else gets one before this transaction ends."""
    (row,) = _NEXT.run(connection, {})
    sequence: int = row.value
    return sequence


def write_fault(
    connection: Connection, project: Project, row: FaultRow, *, is_new: bool
) -> None:
    """Insert a row, or change the one of the same object."""
    values = {field.name: getattr(row, field.name) for field in attrs.fields(FaultRow)}
    if is_new:
        _INSERT.run(connection, values)
        return
    connection.execute(
        update(FAULTS)
        .where(FAULTS.c.project == project.id, FAULTS.c.object == row.object)
        .values(values)
    )
