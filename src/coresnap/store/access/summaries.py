"""What is in a project, in a few numbers."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from coresnap.store.api.projects import ProjectSummary
from coresnap.store.project import Project
from coresnap.store.retention.bodies import size_of
from coresnap.store.state.tables.faults import FAULTS

__all__ = ["summary_of"]


def summary_of(connection: Connection, project: Project) -> ProjectSummary:
    """Return the counts of a project."""
    columns = FAULTS.c
    of_project = columns.project == project.id
    # By fingerprint, as an index has them: a set of a million takes four times as long.
    kinds = (
        select(func.count().label("faults"))
        .where(of_project)
        .group_by(columns.fingerprint)
        .subquery()
    )
    row = connection.execute(
        select(
            func.coalesce(func.sum(kinds.c.faults), 0).label("faults"),
            func.count().label("groups"),
        ).select_from(kinds)
    ).one()
    last = select(columns.received).where(of_project).order_by(columns.sequence.desc())
    return ProjectSummary(
        name=project.name,
        faults=int(row.faults),
        groups=row.groups,
        size=size_of(connection, project).size,
        last=connection.execute(last.limit(1)).scalar(),
    )
