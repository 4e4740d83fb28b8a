"""What happened to groups, for good."""

from __future__ import annotations

import time
from collections.abc import Iterable

import attrs
from sqlalchemy import Connection, insert, select

from coresnap.store.api.groups import HistoryEntry
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import GROUP_HISTORY

__all__ = ["STORE", "Author", "history_of", "remember"]

STORE = "coroner"
"""Who did what nobody did."""


@attrs.frozen
class Author:
    """Who changes something, when and why."""

    who: str
    why: str = ""
    now: int = attrs.field(factory=lambda: int(time.time()))
    """Seconds, UTC."""


def remember(
    connection: Connection,
    project: Project,
    group: str,
    author: Author,
    what: str,
    old: str,
    new: str,
) -> None:
    """Write one line into a group's history."""
    connection.execute(
        insert(GROUP_HISTORY),
        {
            "project": project.id,
            "group": group,
            "time": author.now,
            "who": author.who[:128],
            "what": what,
            "old": old,
            "new": new,
            "why": author.why,
        },
    )


def history_of(
    connection: Connection, project: Project, groups: Iterable[str], most: int
) -> tuple[HistoryEntry, ...]:
    """Return the last lines of some groups' history, in their order."""
    columns = GROUP_HISTORY.c
    rows = connection.execute(
        select(
            columns.time,
            columns.who,
            columns.what,
            columns.old,
            columns.new,
            columns.why,
        )
        .where(columns.project == project.id, columns.group.in_(list(groups)))
        .order_by(columns.id.desc())
        .limit(most)
    ).all()
    return tuple(HistoryEntry(*row) for row in reversed(rows))
