"""Groups, before their faults move: new ones, and those that become one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from coresnap.store.groups.history import Author, remember
from coresnap.store.groups.merging import absorb
from coresnap.store.groups.reprocessing.planning import Destination, destinations
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import FAULTS, Body
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS, REPROCESSED

__all__ = ["prepare"]


def prepare(
    connection: Connection, project: Project, author: Author, revision: int
) -> None:
    """Make fingerprints and groups that faults are to come to; say so in histories."""
    _take_along(connection, project)
    for one in destinations(connection, project):
        sample = connection.execute(
            select(REPROCESSED)
            .where(REPROCESSED.c.project == project.id, REPROCESSED.c.new == one.new)
            .order_by(REPROCESSED.c.object)
            .limit(1)
        ).one()
        if one.is_new_group:
            _create_group(connection, project, one, sample, author, revision)
        _create_fingerprint(connection, project, one, sample, revision)
        for group in one.joined:
            absorb(connection, project, group, one.group, revision)
            _say(connection, project, one.group, author, f"with {group}")
            _say(connection, project, group, author, f"into {one.group}")
        if one.heir_of:
            olds = ", ".join(old[:16] for old in one.heir_of[:20])
            _say(
                connection,
                project,
                one.group,
                author,
                f"fingerprint {one.new}",
                f"fingerprint {olds}",
            )


def _say(
    connection: Connection,
    project: Project,
    group: str,
    author: Author,
    new: str,
    old: str = "",
) -> None:
    remember(connection, project, group, author, "reprocess", old, new)


def _take_along(connection: Connection, project: Project) -> None:
    """Let faults without a snapshot go where all others of their fingerprint go."""
    noted = REPROCESSED.c
    pairs = connection.execute(
        select(noted.old, noted.new).where(noted.project == project.id).distinct()
    ).all()
    news: dict[str, set[str]] = {}
    for old, new in pairs:
        news.setdefault(old, set()).add(new)
    for old, found in news.items():
        if len(found) == 1 and not _has_others(connection, project, old):
            _stage_those_without(connection, project, old)


def _has_others(connection: Connection, project: Project, old: str) -> bool:
    """Return whether snapshots of a fingerprint were left out, and keep it."""
    faults, noted = FAULTS.c, REPROCESSED.c
    is_noted = select(noted.object).where(
        noted.project == faults.project, noted.object == faults.object
    )
    other = connection.execute(
        select(faults.sequence)
        .where(
            faults.project == project.id,
            faults.fingerprint == old,
            faults.body.in_((Body.KEPT, Body.COMPRESSED)),
            ~is_noted.exists(),
        )
        .limit(1)
    ).scalar()
    return other is not None


def _stage_those_without(connection: Connection, project: Project, old: str) -> None:
    faults, noted = FAULTS.c, REPROCESSED.c
    sample = connection.execute(
        select(REPROCESSED)
        .where(noted.project == project.id, noted.old == old)
        .order_by(noted.object)
        .limit(1)
    ).one()
    without = connection.execute(
        select(faults.object).where(
            faults.project == project.id,
            faults.fingerprint == old,
            faults.body.in_((Body.DROPPED, Body.SUMMARY)),
        )
    ).scalars()
    rows = [{**sample._mapping, "object": object_id} for object_id in without.all()]
    known = {sample.object}
    rows = [row for row in rows if row["object"] not in known]
    if rows:
        connection.execute(insert(REPROCESSED), rows)


def _create_group(
    connection: Connection,
    project: Project,
    one: Destination,
    sample: Row[Any],
    author: Author,
    revision: int,
) -> None:
    row = {
        "project": project.id,
        "id": one.group,
        "state": "open",
        "since": author.now,
        "noted": 0,
        "until": [],
        "assignee": "",
        "tags": [],
        "title": sample.title,
        "first_seen": author.now,
        "last_seen": 0,
        "count": 0,
        "reopened": 0,
        "revision": revision,
    }
    connection.execute(insert(GROUPS), row)
    _say(connection, project, one.group, author, f"from {sample.old}")


def _create_fingerprint(
    connection: Connection,
    project: Project,
    one: Destination,
    sample: Row[Any],
    revision: int,
) -> None:
    columns = FINGERPRINTS.c
    rows = connection.execute(
        select(FINGERPRINTS).where(
            columns.project == project.id,
            columns.fingerprint.in_((one.new, sample.old)),
        )
    ).all()
    found = {row.fingerprint: row for row in rows}
    if one.new in found:
        connection.execute(
            update(FINGERPRINTS)
            .where(columns.project == project.id, columns.fingerprint == one.new)
            .values(ruleset=sample.ruleset)
        )
        return
    row = {
        **found[sample.old]._mapping,
        "fingerprint": one.new,
        "group": one.group,
        "original": one.group,
        "created": revision,
        "ruleset": sample.ruleset,
        "first_seen": 0,
        "last_seen": 0,
        "count": 0,
        "title": sample.title,
        "callstack": sample.callstack,
    }
    connection.execute(insert(FINGERPRINTS), row)
