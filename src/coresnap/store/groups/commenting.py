"""What people write about groups."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from coresnap.store.api.groups import Comment
from coresnap.store.groups.finding import find_group
from coresnap.store.groups.history import Author
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import GROUP_COMMENTS

__all__ = ["comment", "comments_of"]

_MOST = 1000


def comment(
    connection: Connection, project: Project, group: str, text: str, author: Author
) -> Comment:
    """Write something about a group; raise MissingError if there is none."""
    found = find_group(connection, project, group)
    words = text.replace("\0", "\ufffd")  # PostgreSQL's texts have no NUL
    connection.execute(
        insert(GROUP_COMMENTS),
        {
            "project": project.id,
            "group": found,
            "time": author.now,
            "who": author.who[:128],
            "text": words,
        },
    )
    return Comment(found, author.now, author.who, words)


def comments_of(
    connection: Connection, project: Project, groups: Iterable[str]
) -> tuple[Comment, ...]:
    """Return what was written about some groups, the oldest first."""
    columns = GROUP_COMMENTS.c
    rows = connection.execute(
        select(columns.group, columns.time, columns.who, columns.text)
        .where(columns.project == project.id, columns.group.in_(list(groups)))
        .order_by(columns.id.desc())
        .limit(_MOST)
    ).all()
    return tuple(Comment(*row) for row in reversed(rows))
