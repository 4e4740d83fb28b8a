"""What an accepted fault means for its group: two statements, one transaction.

The first counts the fingerprint, the second the group that it belongs to. Servers that
do it at once wait for each other at the fingerprint's row.
"""

from __future__ import annotations

import functools
from typing import Any

import attrs
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    case,
    insert,
    select,
    update,
)

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.fault import Fault
from coresnap.store.groups.history import STORE, Author, remember
from coresnap.store.groups.reopening import Known, reopen_by
from coresnap.store.groups.settings import read_settings, version_of
from coresnap.store.groups.versions import Scheme, compare_versions
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert_returning
from coresnap.store.state.prepared import Prepared
from coresnap.store.state.tables.faults import LAST_SEQUENCE
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUP_SETTINGS, GROUPS

__all__ = ["Noted", "group_of", "note", "uncount"]

_TITLE = 512
_FRAME = 512
_FRAMES = 64


@attrs.frozen
class Noted:
    """What a fault means for its group."""

    group: str
    is_new: bool
    is_regression: bool


def note(
    connection: Connection,
    project: Project,
    fault: Fault,
    arrival: Arrival,
    replaced: str | None = None,
) -> Noted:
    """Count a fault for its fingerprint and group, in the transaction that accepts it.

    ``replaced`` is the fingerprint of the fault whose place it takes: it is the same
    crash, so that a fingerprint which nobody has seen stays in its group. A resolved or
    muted group is open again if the fault ends that state.
    """
    if replaced == fault.fingerprint:
        group = group_of(connection, project, fault.fingerprint)
        return Noted(group, is_new=False, is_regression=False)
    revision, before = fault.sequence, None
    if replaced is not None:
        revision = connection.execute(select(LAST_SEQUENCE.c.value)).scalar_one()
        before = uncount(connection, project, replaced, revision)
    when = min(fault.time, fault.received)  # clocks of hosts may be ahead
    found = _count_fingerprint(
        connection, project, fault, arrival, revision, when, before
    )
    settings = read_settings(found.settings)
    version = version_of(settings, fault.attributes)
    _remember_version(
        connection, project, fault, found.latest, version, settings.scheme
    )
    is_new = found.created == revision
    if is_new and before is None:
        _create_group(connection, project, fault, arrival, revision, when)
        return Noted(found.group, is_new=True, is_regression=False)
    if is_new:
        why = f"fault {fault.object} was read again"
        author = Author(STORE, why, fault.received)
        old, new = f"fingerprint {replaced}", f"fingerprint {fault.fingerprint}"
        remember(connection, project, found.group, author, "reprocess", old, new)
    known = _count_group(connection, project, found.group, revision, when)
    is_regression = known.is_closed and reopen_by(
        connection, project, known, fault, when, version, settings
    )
    return Noted(found.group, is_new=False, is_regression=is_regression)


def group_of(connection: Connection, project: Project, fingerprint: str) -> str:
    """Return the group that faults of a fingerprint belong to."""
    columns = FINGERPRINTS.c
    found = connection.execute(
        select(columns.group).where(
            columns.project == project.id, columns.fingerprint == fingerprint
        )
    ).scalar()
    return fingerprint if found is None else found


def _count_fingerprint(
    connection: Connection,
    project: Project,
    fault: Fault,
    arrival: Arrival,
    revision: int,
    when: int,
    before: Row[Any] | None,
) -> Any:  # noqa: ANN401 - a row
    row = {
        "project": project.id,
        "fingerprint": fault.fingerprint,
        "group": before.group if before else fault.fingerprint,
        "original": before.original if before else fault.fingerprint,
        "created": revision,
        "ruleset": _ruleset(fault),
        "first_seen": when,
        "last_seen": when,
        "count": 1,
        "application": _clean(str(fault.attributes.get("application", "")), 128),
        "latest": "",
        "title": _clean(arrival.title, _TITLE),
        "callstack": [_clean(frame, _FRAME) for frame in arrival.callstack[:_FRAMES]],
    }
    statement = _fingerprint_statement(connection.dialect.name)
    (found,) = statement.run(
        connection, {**row, "in_project": project.id, "seen": when}
    )
    return found


@functools.cache
def _fingerprint_statement(dialect: str) -> Prepared:
    columns = FINGERPRINTS.c
    settings = (
        select(GROUP_SETTINGS.c.settings)
        .where(GROUP_SETTINGS.c.project == bindparam("in_project"))
        .scalar_subquery()
        .label("settings")
    )
    counted = upsert_returning(
        dialect,
        FINGERPRINTS,
        ("project", "fingerprint"),
        {"count": columns.count + 1, **_seen(FINGERPRINTS)},
        (columns.group, columns.created, columns.latest, settings),
    )
    return Prepared(counted)


def _seen(table: Table) -> dict[str, ColumnElement[Any]]:
    first, last = table.c.first_seen, table.c.last_seen
    when: BindParameter[int] = bindparam("seen")
    return {
        "first_seen": case((first > when, when), else_=first),
        "last_seen": case((last < when, when), else_=last),
    }


def _remember_version(
    connection: Connection,
    project: Project,
    fault: Fault,
    latest: str,
    version: str,
    scheme: str,
) -> None:
    """Remember the latest version of a fingerprint; rare, as versions are."""
    if version == latest or compare_versions(Scheme(scheme), version, version) is None:
        return
    if latest and compare_versions(Scheme(scheme), version, latest) != 1:
        return
    connection.execute(
        update(FINGERPRINTS)
        .where(
            FINGERPRINTS.c.project == project.id,
            FINGERPRINTS.c.fingerprint == fault.fingerprint,
        )
        .values(latest=_clean(version, 128))
    )


_COUNT_GROUP = Prepared(
    update(GROUPS)
    .where(
        GROUPS.c.project == bindparam("in_project"),
        GROUPS.c.id == bindparam("of_group"),
    )
    .values(
        count=GROUPS.c.count + 1,
        noted=GROUPS.c.noted + 1,
        revision=bindparam("at_revision"),
        **_seen(GROUPS),
    )
    .returning(
        GROUPS.c.state, GROUPS.c.until, GROUPS.c.noted, GROUPS.c.since, GROUPS.c.due
    )
)


_CREATE_GROUP = Prepared(insert(GROUPS))


def _create_group(
    connection: Connection,
    project: Project,
    fault: Fault,
    arrival: Arrival,
    revision: int,
    when: int,
) -> None:
    row = {
        "project": project.id,
        "id": fault.fingerprint,
        "state": "open",
        "since": fault.received,
        "noted": 1,
        "until": [],
        "assignee": "",
        "tags": [],
        "title": _clean(arrival.title, _TITLE),
        "first_seen": when,
        "last_seen": when,
        "count": 1,
        "reopened": 0,
        "revision": revision,
    }
    _CREATE_GROUP.run(connection, row)


def _count_group(
    connection: Connection, project: Project, group: str, revision: int, when: int
) -> Known:
    parameters = {
        "in_project": project.id,
        "of_group": group,
        "at_revision": revision,
        "seen": when,
    }
    (row,) = _COUNT_GROUP.run(connection, parameters)
    return Known(group, row.state, row.until, row.noted, row.due)


def uncount(
    connection: Connection, project: Project, fingerprint: str, revision: int
) -> Row[Any] | None:
    """Take back one fault of a fingerprint: one takes its place, or it is forgotten.

    ``revision`` is one that no group has had. Returns ``group`` and ``original`` of
    the fingerprint, if it is known.
    """
    prints, groups = FINGERPRINTS.c, GROUPS.c
    found = connection.execute(
        update(FINGERPRINTS)
        .where(prints.project == project.id, prints.fingerprint == fingerprint)
        .values(count=prints.count - 1)
        .returning(prints.group, prints.original)
    ).one_or_none()
    if found is not None:
        connection.execute(
            update(GROUPS)
            .where(groups.project == project.id, groups.id == found.group)
            .values(count=groups.count - 1, revision=revision)
        )
    return found


def _ruleset(fault: Fault) -> int:
    version = fault.attributes.get("fingerprint.version", 0)
    return version if isinstance(version, int) and 0 <= version < 1 << 15 else 0


def _clean(text: str, most: int) -> str:
    # PostgreSQL's texts have no NUL.
    return text[:most].replace("\0", "\ufffd")
