"""What people decide about groups: state, assignee, tags and tickets."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
from sqlalchemy import Connection, Row, delete, func, select, update

from coresnap.errors import UsageError
from coresnap.store.accepting.rows import next_sequence
from coresnap.store.api.group_changes import ChangeGroups
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.api.groups import State
from coresnap.store.api.until import Until
from coresnap.store.groups.conditions import (
    check_until,
    described,
    due_time,
    read_until,
)
from coresnap.store.groups.finding import find_groups, members_of
from coresnap.store.groups.history import Author, remember
from coresnap.store.groups.reopening import CLOSED, forget_hosts
from coresnap.store.groups.resolution import resolved_until
from coresnap.store.groups.settings import find_settings
from coresnap.store.groups.versions import Scheme
from coresnap.store.project import Project
from coresnap.store.state.dialect import insert_or_ignore
from coresnap.store.state.tables.groups import GROUP_LINKS, GROUPS

__all__ = ["change_groups", "check_change"]

_MOST_TAGS = 64


@attrs.frozen
class _Changing:
    """One group that is being changed."""

    connection: Connection
    project: Project
    group: str
    change: ChangeGroups
    settings: GroupSettings
    author: Author

    def say(self, what: str, old: str, new: str) -> None:
        remember(self.connection, self.project, self.group, self.author, what, old, new)


def check_change(change: ChangeGroups, settings: GroupSettings) -> None:
    """Raise UsageError for a change that makes no sense for any group."""
    if change.until and change.state not in CLOSED:
        raise UsageError(
            "only the states resolved and muted have an end",
            remedy="Set state=resolved or state=muted with it.",
        )
    if change.state is State.MUTED and not change.until:
        raise UsageError(
            "a mute needs an end: what is muted for good is forgotten",
            remedy="Add until-time=, until-version=, until-count= or until-hosts=.",
        )
    check_until(change.until, Scheme(settings.scheme))


def change_groups(
    connection: Connection,
    project: Project,
    groups: list[str],
    change: ChangeGroups,
    author: Author,
) -> list[str]:
    """Change some groups, given by ids; return those that were not so before.

    Raises MissingError or UsageError; nothing was changed then.
    """
    revision = next_sequence(connection)  # whoever notes or changes groups waits
    settings = find_settings(connection, project)
    check_change(change, settings)
    changed = []
    for group in find_groups(connection, project, groups):
        one = _Changing(connection, project, group, change, settings, author)
        if _change(one, revision):
            changed.append(group)
    return changed


def _change(one: _Changing, revision: int) -> bool:
    before = one.connection.execute(
        select(GROUPS).where(
            GROUPS.c.project == one.project.id, GROUPS.c.id == one.group
        )
    ).one()
    values: dict[str, Any] = _assignee(one, before) | _tags(one, before)
    linked = _links(one)
    values |= _state(one, before, values)
    if not values and not linked:
        return False
    one.connection.execute(
        update(GROUPS)
        .where(GROUPS.c.project == one.project.id, GROUPS.c.id == one.group)
        .values(**values, revision=revision)
    )
    return True


def _assignee(one: _Changing, before: Row[Any]) -> dict[str, Any]:
    wanted = one.change.assignee
    if wanted is None or wanted == before.assignee:
        return {}
    one.say("assignee", before.assignee, wanted)
    return {"assignee": wanted}


def _tags(one: _Changing, before: Row[Any]) -> dict[str, Any]:
    tags = (set(before.tags) | set(one.change.add_tags)) - set(one.change.remove_tags)
    if tags == set(before.tags):
        return {}
    if len(tags) > _MOST_TAGS:
        raise UsageError(
            f"group {one.group[:16]} would have more than {_MOST_TAGS} tags",
            remedy="Remove some of them first.",
        )
    one.say("tags", " ".join(before.tags), " ".join(sorted(tags)))
    return {"tags": sorted(tags)}


def _links(one: _Changing) -> bool:
    """Add and remove tickets; return whether there was anything to do."""
    done = False
    link, name = one.change.add_link, one.change.remove_link
    if link is not None:
        row = {
            "project": one.project.id,
            "group": one.group,
            **msgspec.structs.asdict(link),
            "created": one.author.now,
        }
        if insert_or_ignore(one.connection, GROUP_LINKS, row):
            one.say("link", "", f"{link.name} {link.url}")
            done = True
    if name is not None:
        links = GROUP_LINKS.c
        tree = (one.group, *members_of(one.connection, one.project, one.group))
        removed = one.connection.execute(
            delete(GROUP_LINKS).where(
                links.project == one.project.id,
                links.group.in_(tree),
                links.name == name,
            )
        )
        if removed.rowcount:
            one.say("link", name, "")
            done = True
    return done


def _state(one: _Changing, before: Row[Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return columns of the state that is wanted, or follows from the rest."""
    state = one.change.state or _following(one, before, values)
    until: tuple[Until, ...] = ()
    if state in CLOSED:
        until = one.change.until
        if state is State.RESOLVED and not until and one.change.state is not None:
            until = _resolved_until(one)
        elif one.change.state is None:
            return {}
    if state == before.state and until == read_until(before.until):
        return {}
    old = _in_words(before.state, read_until(before.until))
    one.say("state", old, _in_words(state, until))
    forget_hosts(one.connection, one.project, one.group)
    return {
        "state": state,
        "since": one.author.now,
        "noted": 0,
        "until": msgspec.to_builtins(until),
        "due": due_time(until),
    }


def _resolved_until(one: _Changing) -> tuple[Until, ...]:
    return resolved_until(
        one.connection,
        one.project,
        one.group,
        one.change.resolution,
        one.settings,
        one.author.now,
    )


def _following(one: _Changing, before: Row[Any], values: dict[str, Any]) -> State:
    """Somebody works on what has an assignee or a ticket, nobody on what lost both."""
    if before.state in CLOSED:
        return State(before.state)
    is_asked = one.change.assignee is not None or (
        one.change.add_link or one.change.remove_link
    )
    if not is_asked:
        return State(before.state)
    has_assignee = bool(values.get("assignee", before.assignee))
    return State.IN_PROGRESS if has_assignee or _has_link(one) else State.OPEN


def _has_link(one: _Changing) -> bool:
    links = GROUP_LINKS.c
    tree = (one.group, *members_of(one.connection, one.project, one.group))
    count = select(func.count()).where(
        links.project == one.project.id, links.group.in_(tree)
    )
    return bool(one.connection.execute(count).scalar())


def _in_words(state: str, until: tuple[Until, ...]) -> str:
    return f"{state} until {described(until)}" if until else str(state)
