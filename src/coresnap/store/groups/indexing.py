"""What the index is told of groups, so that queries can join it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from coresnap.store.index.contract import IndexedGroup
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS
from coresnap.store.store import Store

__all__ = ["changed_since", "sync_groups"]


def changed_since(
    connection: Connection, project: Project, revision: int
) -> tuple[list[IndexedGroup], int]:
    """Return what changed after ``revision``, by fingerprint, and the last revision.

    Revisions are sequences: they become visible in their order, so that nothing which
    commits later has a smaller one.
    """
    last = connection.execute(
        select(func.max(GROUPS.c.revision)).where(GROUPS.c.project == project.id)
    ).scalar()
    if last is None or last <= revision:
        return [], revision
    columns = GROUPS.c
    rows = connection.execute(
        select(
            FINGERPRINTS.c.fingerprint,
            columns.id,
            columns.state,
            columns.assignee,
            columns.tags,
            columns.title,
            columns.first_seen,
            columns.last_seen,
            columns.count,
        )
        .join(
            FINGERPRINTS,
            (FINGERPRINTS.c.project == columns.project)
            & (FINGERPRINTS.c.group == columns.id),
        )
        .where(columns.project == project.id, columns.revision > revision)
    )
    found = []
    for fingerprint, group, state, assignee, tags, title, first, number, count in rows:
        attributes: dict[str, int | str] = {
            "state": state,
            "title": title,
            "first_seen": first,
            "last_seen": number,
            "count": count,
        }
        if assignee:
            attributes["assignee"] = assignee
        if tags:
            attributes["tags"] = " ".join(tags)
        found.append(IndexedGroup(fingerprint, group, attributes))
    return found, last


def sync_groups(store: Store, project: Project) -> None:
    """Let the index know what people and faults changed about groups.

    Two that do it at once do the same: the later revision stays.
    """
    with store.state.read() as connection:
        known = store.index.groups_revision(project.id)
        groups, revision = changed_since(connection, project, known)
    if revision > known:
        store.index.put_groups(project.id, groups, revision)
