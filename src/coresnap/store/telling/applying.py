"""What was done on the other side is done to the group, by the channel as author."""

from __future__ import annotations

import re
import time

from sqlalchemy import Connection, update

from coresnap.errors import CoresnapError, MissingError, UsageError
from coresnap.model.notice import Change, Ticket
from coresnap.store.api.group_changes import ChangeGroups, Resolution
from coresnap.store.api.groups import Link, State
from coresnap.store.api.until import TimeUntil, Until, VersionUntil
from coresnap.store.groups.changing import change_groups
from coresnap.store.groups.history import Author
from coresnap.store.groups.settings import find_settings
from coresnap.store.groups.versions import Scheme, greatest
from coresnap.store.project import Project
from coresnap.store.state.tables.telling import CHANNEL_MEMORY
from coresnap.store.store import Store
from coresnap.store.telling.changed import AUTHOR

__all__ = ["apply_change", "link_ticket"]

_LINK = re.compile(r"[^\s\x00-\x1f]{1,128}")
_URL = re.compile(r"https?://\S{1,1000}")


def apply_change(store: Store, project: Project, channel: str, change: Change) -> None:
    """Change a group; what makes no sense there is left out.

    What the channel wants to remember is written in the same transaction, so that a
    kill between the two does not do it twice or lose it.
    """
    store.state.transact(lambda c: _apply(c, project, channel, change))


def _apply(
    connection: Connection, project: Project, channel: str, change: Change
) -> None:
    why = f"{change.why} ({change.who})" if change.who else change.why
    author = Author(f"{AUTHOR}{channel}", why[:4096])
    try:
        with connection.begin_nested():
            wanted = _wanted(connection, project, change)
            change_groups(connection, project, [change.group], wanted, author)
    except MissingError:
        return
    except UsageError:
        _without_resolution(connection, project, change, author)
    if change.memory is not None:
        memory = CHANNEL_MEMORY.c
        connection.execute(
            update(CHANNEL_MEMORY)
            .where(
                memory.project == project.id,
                memory.channel == channel,
                memory.group == change.group,
            )
            .values(memory=dict(change.memory))
        )


def _without_resolution(
    connection: Connection, project: Project, change: Change, author: Author
) -> None:
    """Resolve where there is no next version: what crashes later opens it again."""
    state = State(change.state) if change.state in list(State) else None
    if state is State.MUTED:
        state = None  # it has no end that makes sense
    assignee = None if change.assignee is None else change.assignee[:128]
    wanted = ChangeGroups(state=state, assignee=assignee)
    try:
        with connection.begin_nested():
            change_groups(connection, project, [change.group], wanted, author)
    except CoresnapError:
        return


def _wanted(connection: Connection, project: Project, change: Change) -> ChangeGroups:
    state = State(change.state) if change.state in list(State) else None
    until: tuple[Until, ...] = ()
    resolution = Resolution.NOW
    if state is State.MUTED:
        until = (TimeUntil(max(change.muted_until, int(time.time()) + 60)),)
    if state is State.RESOLVED and change.fixed_in:
        scheme = Scheme(find_settings(connection, project).scheme)
        version = greatest(scheme, change.fixed_in)
        if version:
            until = (VersionUntil(version, or_equal=True),)
    if (
        state is State.RESOLVED
        and not until
        and (change.next_version or change.fixed_in)
    ):
        resolution = Resolution.NEXT
    return ChangeGroups(
        state=state,
        until=until,
        resolution=resolution,
        assignee=None if change.assignee is None else change.assignee[:128],
    )


def link_ticket(
    connection: Connection,
    project: Project,
    channel: str,
    group: str,
    ticket: Ticket | None,
) -> None:
    """Link a group with the ticket that tells of it, once."""
    if ticket is None or not group:
        return
    if not (_LINK.fullmatch(ticket.name) and _URL.fullmatch(ticket.url)):
        return
    change = ChangeGroups(add_link=Link(ticket.name, ticket.url))
    author = Author(f"{AUTHOR}{channel}", "it was told there")
    try:
        with connection.begin_nested():
            change_groups(connection, project, [group], change, author)
    except CoresnapError:
        return  # it was forgotten meanwhile
