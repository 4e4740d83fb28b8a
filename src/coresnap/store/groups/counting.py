"""A group's numbers, made again from its fingerprints when these change places."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS

__all__ = ["recount"]


def recount(
    connection: Connection, project: Project, group: str, revision: int
) -> None:
    """Set count and times of a group by its fingerprints, in their transaction."""
    columns = FINGERPRINTS.c
    numbers = connection.execute(
        select(
            func.coalesce(func.sum(columns.count), 0),
            func.min(columns.first_seen),
            func.max(columns.last_seen),
        ).where(
            columns.project == project.id, columns.group == group, columns.count > 0
        )
    ).one()
    count, first, last = numbers
    values: dict[str, int] = {"count": int(count), "revision": revision}
    if first is not None:
        values |= {"first_seen": first, "last_seen": last}
    connection.execute(
        update(GROUPS)
        .where(GROUPS.c.project == project.id, GROUPS.c.id == group)
        .values(**values)
    )
