"""Groups that are open again: by a fault that ends their state, or by time."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
from sqlalchemy import Connection, delete, func, select, update

from coresnap.store.accepting.rows import next_sequence
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.api.groups import State
from coresnap.store.api.until import Until
from coresnap.store.fault import Fault
from coresnap.store.groups.conditions import (
    Case,
    described,
    ending,
    most_hosts,
    read_until,
)
from coresnap.store.groups.history import STORE, Author, remember
from coresnap.store.groups.moments import moment
from coresnap.store.groups.versions import Scheme
from coresnap.store.project import Project
from coresnap.store.state.dialect import insert_or_ignore
from coresnap.store.state.tables.groups import GROUP_HOSTS, GROUPS
from coresnap.store.state.tables.projects import PROJECTS, UNIVERSES
from coresnap.store.store import Store

__all__ = ["CLOSED", "Known", "forget_hosts", "reopen_by", "reopen_due"]

CLOSED = (State.RESOLVED, State.MUTED)
_BATCH = 500


@attrs.frozen
class Known:
    """A group's state, as a fault finds it."""

    group: str
    state: str
    until: Any
    """As the database has it."""
    noted: int
    """Faults since the state was set."""
    due: int | None

    @property
    def is_closed(self) -> bool:
        """Whether it can be reopened."""
        return self.state in CLOSED


def reopen_by(
    connection: Connection,
    project: Project,
    known: Known,
    fault: Fault,
    when: int,
    version: str,
    settings: GroupSettings,
) -> bool:
    """Open a group again if a fault ends its state; return whether it did.

    ``when`` is the time of the crash: when it arrived does not count.
    """
    until = read_until(known.until)
    case = Case(
        time=when,
        now=fault.received,
        version=version,
        attributes=fault.attributes,
        noted=known.noted,
        hosts=_count_hosts(connection, project, known.group, fault, until),
        scheme=Scheme(settings.scheme),
    )
    words = ending(until, case)
    if words is None:
        return False
    why = f"fault {fault.object}: {words}"
    _reopen(connection, project, known, until, Author(STORE, why, fault.received))
    return known.state == State.RESOLVED


def reopen_due(store: Store, now: int) -> int:
    """Open all groups whose state time has ended; return how many.

    The server does it now and then; doing it twice changes nothing.
    """
    with store.state.read() as connection:
        due = connection.execute(
            select(GROUPS.c.project, GROUPS.c.id, UNIVERSES.c.name, PROJECTS.c.name)
            .join(PROJECTS, PROJECTS.c.id == GROUPS.c.project)
            .join(UNIVERSES, UNIVERSES.c.id == PROJECTS.c.universe)
            .where(GROUPS.c.due <= now, GROUPS.c.into.is_(None))
            .limit(_BATCH)
        ).all()
    done = 0
    for project_id, group, universe, name in due:
        project = Project(project_id, universe, name)
        done += store.state.transact(
            lambda c, p=project, g=group: _reopen_due(c, p, g, now)  # type: ignore[misc]
        )
    return done


def _reopen_due(connection: Connection, project: Project, group: str, now: int) -> bool:
    revision = next_sequence(connection)  # whoever changes groups waits here
    columns = GROUPS.c
    row = connection.execute(
        select(columns.state, columns.until, columns.noted, columns.due).where(
            columns.project == project.id, columns.id == group, columns.due <= now
        )
    ).one_or_none()
    if row is None or row.state not in CLOSED:
        return False
    known = Known(group, row.state, row.until, row.noted, row.due)
    author = Author(STORE, f"it is past {moment(row.due)}", now)
    _reopen(connection, project, known, read_until(row.until), author)
    _touch(connection, project, group, revision)
    return True


def _reopen(
    connection: Connection,
    project: Project,
    known: Known,
    until: tuple[Until, ...],
    author: Author,
) -> None:
    columns = GROUPS.c
    connection.execute(
        update(GROUPS)
        .where(columns.project == project.id, columns.id == known.group)
        .values(
            state=State.OPEN,
            since=author.now,
            noted=0,
            until=[],
            due=None,
            reopened=columns.reopened + 1,
            last_reopened=author.now,
        )
    )
    forget_hosts(connection, project, known.group)
    old = f"{known.state} until {described(until)}"
    remember(connection, project, known.group, author, "state", old, State.OPEN)


def forget_hosts(connection: Connection, project: Project, group: str) -> None:
    """Begin to count hosts again."""
    connection.execute(
        delete(GROUP_HOSTS).where(
            GROUP_HOSTS.c.project == project.id, GROUP_HOSTS.c.group == group
        )
    )


def _count_hosts(
    connection: Connection,
    project: Project,
    group: str,
    fault: Fault,
    until: tuple[Until, ...],
) -> int:
    """Count hosts since the state was set, if that is asked: few groups need it."""
    if not most_hosts(until):
        return 0
    host = str(fault.attributes.get("hostname", ""))
    digest = hashlib.sha256(host.encode("utf-8", "replace")).hexdigest()[:32]
    row = {"project": project.id, "group": group, "host": digest}
    insert_or_ignore(connection, GROUP_HOSTS, row)
    counted = select(func.count()).where(
        GROUP_HOSTS.c.project == project.id, GROUP_HOSTS.c.group == group
    )
    return connection.execute(counted).scalar_one()


def _touch(connection: Connection, project: Project, group: str, revision: int) -> None:
    connection.execute(
        update(GROUPS)
        .where(GROUPS.c.project == project.id, GROUPS.c.id == group)
        .values(revision=revision)
    )
