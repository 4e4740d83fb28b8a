"""A group as people see it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from coresnap.store.api.groups import GroupDetails, GroupFingerprint, Link, State
from coresnap.store.groups.commenting import comments_of
from coresnap.store.groups.conditions import read_until
from coresnap.store.groups.finding import find_group, members_of
from coresnap.store.groups.history import history_of
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUP_LINKS, GROUPS

__all__ = ["details"]

_FINGERPRINTS = 100
_HISTORY = 200


def details(connection: Connection, project: Project, text: str) -> GroupDetails:
    """Return all that is known of a group; raise what ``find_group`` does."""
    group = find_group(connection, project, text)
    members = members_of(connection, project, group)
    row = connection.execute(
        select(GROUPS).where(GROUPS.c.project == project.id, GROUPS.c.id == group)
    ).one()
    whole = (group, *members)
    return GroupDetails(
        id=group,
        state=State(row.state),
        since=row.since,
        until=read_until(row.until),
        assignee=row.assignee,
        tags=tuple(row.tags),
        title=row.title,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        count=row._mapping["count"],  # rows have a method of that name
        reopened=row.reopened,
        last_reopened=row.last_reopened,
        links=_links(connection, project, whole),
        merged=tuple(sorted(members)),
        fingerprints=_fingerprints(connection, project, group),
        comments=comments_of(connection, project, whole),
        history=history_of(connection, project, (group,), _HISTORY),
    )


def _links(
    connection: Connection, project: Project, groups: Iterable[str]
) -> tuple[Link, ...]:
    columns = GROUP_LINKS.c
    rows = connection.execute(
        select(columns.name, columns.url)
        .where(columns.project == project.id, columns.group.in_(list(groups)))
        .order_by(columns.created, columns.name)
    )
    return tuple(Link(*row) for row in rows)


def _fingerprints(
    connection: Connection, project: Project, group: str
) -> tuple[GroupFingerprint, ...]:
    columns = FINGERPRINTS.c
    rows = connection.execute(
        select(
            columns.fingerprint,
            columns.original,
            columns.ruleset,
            columns.first_seen,
            columns.last_seen,
            columns.count,
            columns.latest,
            columns.title,
            columns.callstack,
        )
        .where(columns.project == project.id, columns.group == group)
        .order_by(columns.count.desc(), columns.fingerprint)
        .limit(_FINGERPRINTS)
    )
    return tuple(GroupFingerprint(*row[:-1], tuple(row[-1])) for row in rows)
