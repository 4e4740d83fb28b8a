"""What is in a project, in a few numbers."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from coresnap.store.api.projects import ProjectSummary
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import FAULTS

__all__ = ["summary_of"]


def summary_of(connection: Connection, project: Project) -> ProjectSummary:
    """Return the counts of a project."""
    row = connection.execute(
        select(
            func.count().label("faults"),
            func.count(FAULTS.c.fingerprint.distinct()).label("groups"),
            func.coalesce(func.sum(FAULTS.c.size), 0).label("size"),
            func.max(FAULTS.c.received).label("last"),
        ).where(FAULTS.c.project == project.id)
    ).one()
    return ProjectSummary(
        name=project.name,
        faults=row.faults,
        groups=row.groups,
        size=int(row.size),
        last=row.last,
    )
