"""What changed in a project since somebody last looked."""

from __future__ import annotations

from typing import Any

import attrs
from sqlalchemy import ColumnElement, Connection, Row, Select, select

from coresnap.model.notice import Event
from coresnap.store.groups.history import STORE
from coresnap.store.groups.reopening import CLOSED
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUP_HISTORY, GROUPS
from coresnap.store.telling.deliveries import Words
from coresnap.store.telling.matching import BATCH
from coresnap.store.telling.progress import Progress, indexed_until

__all__ = ["AUTHOR", "Changed", "Grown", "Happened", "changed_since"]

AUTHOR = "integration/"
"""Begins the name of a channel as an author of changes; no user's name has a slash."""
_LINES = 500


@attrs.frozen
class Grown:
    """A group with new faults, or new in another way."""

    group: str
    count: int
    created: int
    """Sequence of its first fault."""


@attrs.frozen
class Happened:
    """A line of the history that people may want to be told of."""

    group: str
    event: Event
    words: Words


@attrs.frozen
class Changed:
    """One look at what changed."""

    grown: tuple[Grown, ...]
    happened: tuple[Happened, ...]
    progress: Progress
    """Where the next look begins."""
    is_all: bool
    """False: there is more."""


def changed_since(
    connection: Connection, project: Project, progress: Progress
) -> Changed:
    """Return what changed; no more than one look can take.

    Groups are looked at again while the index does not have all of their faults: a
    group that never rests is looked at none the less.
    """
    until = indexed_until(connection, project)
    grown, is_last = _grown(connection, project, progress.revision)
    revision = until if is_last else min(until, grown[-1].revision)
    lines = _lines(connection, project, progress.history)
    happened = tuple(found for line in lines if (found := _happened(line)))
    history = lines[-1].id if lines else progress.history
    return Changed(
        tuple(
            Grown(row.id, row._mapping["count"], row.created)
            for row in grown
            if row.into is None
        ),
        happened,
        Progress(max(progress.revision, revision), history),
        is_all=is_last and len(lines) < _LINES,
    )


def _grown(
    connection: Connection, project: Project, revision: int
) -> tuple[list[Row[Any]], bool]:
    """Return the groups that changed next, and whether these are all.

    What was changed together has one revision, and is returned together.
    """
    after = GROUPS.c.revision > revision
    rows = [*connection.execute(_groups(project, after).limit(BATCH))]
    if len(rows) < BATCH:
        return rows, True
    last = rows[-1].revision
    whole = [row for row in rows if row.revision < last]
    if whole:
        return whole, False
    together = _groups(project, GROUPS.c.revision == last)
    return [*connection.execute(together)], False


def _groups(project: Project, which: ColumnElement[bool]) -> Select[Any]:
    columns = GROUPS.c
    prints = FINGERPRINTS.c
    return (
        select(
            columns.id, columns.into, columns.count, columns.revision, prints.created
        )
        .join(
            FINGERPRINTS,
            (prints.project == columns.project) & (prints.fingerprint == columns.id),
        )
        .where(columns.project == project.id, which)
        .order_by(columns.revision)
    )


def _lines(connection: Connection, project: Project, after: int) -> list[Row[Any]]:
    columns = GROUP_HISTORY.c
    rows = connection.execute(
        select(GROUP_HISTORY)
        .where(columns.project == project.id, columns.id > after)
        .order_by(columns.id)
        .limit(_LINES)
    )
    return [*rows]


def _happened(line: Row[Any]) -> Happened | None:
    words = Words(who=line.who, why=line.why, time=line.time)
    if line.what == "merge" and line.new.startswith("into "):
        words = Words(words.who, words.why, line.new.removeprefix("into "), line.time)
        return Happened(line.group, Event.MERGE, words)
    if line.what == "assignee":
        return Happened(line.group, Event.STATE, words)
    if line.what != "state":
        return None
    was_closed = line.old.partition(" ")[0] in CLOSED
    if line.who == STORE and was_closed:
        return Happened(line.group, Event.REGRESSION, words)
    return Happened(line.group, Event.STATE, words)
