"""Groups: reading them, and what people decide about them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from coresnap.store.api.groups import (
    ChangedGroups,
    ChangeGroups,
    Comment,
    GroupDetails,
    GroupSettings,
    Merge,
    NewComment,
    Unmerge,
)
from coresnap.store.attributes.known import known
from coresnap.store.groups.changing import change_groups, check_change
from coresnap.store.groups.choosing import chosen_groups
from coresnap.store.groups.commenting import comment
from coresnap.store.groups.details import details
from coresnap.store.groups.history import Author
from coresnap.store.groups.merging import merge, unmerge
from coresnap.store.groups.settings import find_settings, set_settings
from coresnap.store.project import Project
from coresnap.store.server.call import Call, Handler

__all__ = ["HANDLERS"]

_BATCH = 200
"""Groups in one transaction: puts wait meanwhile."""


def _get(call: Call) -> GroupDetails:
    with call.store.state.read() as connection:
        return details(connection, _project(call), call.path["group"])


def _change(call: Call) -> ChangedGroups:
    project, change = _project(call), call.body
    assert isinstance(change, ChangeGroups)
    with call.store.state.read() as connection:
        check_change(change, find_settings(connection, project))
        attributes = known(connection, project)
    groups = chosen_groups(
        call.store, project, change.groups, change.filter, attributes
    )
    if change.dry_run:
        return ChangedGroups(tuple(groups), 0)
    author = Author(call.identity.name, change.reason)
    changed = 0
    for first in range(0, len(groups), _BATCH):
        batch = groups[first : first + _BATCH]

        def work(connection: Connection, batch: list[str] = batch) -> list[str]:
            return change_groups(connection, project, batch, change, author)

        changed += len(call.store.state.transact(work))
    return ChangedGroups(tuple(groups), changed)


def _comment(call: Call) -> Comment:
    project, new = _project(call), call.body
    assert isinstance(new, NewComment)
    author = Author(call.identity.name)
    return call.store.state.transact(
        lambda c: comment(c, project, call.path["group"], new.text, author)
    )


def _merge(call: Call) -> GroupDetails:
    project, request = _project(call), call.body
    assert isinstance(request, Merge)
    author = Author(call.identity.name, request.reason)

    def work(connection: Connection) -> GroupDetails:
        group = call.path["group"]
        whole = merge(connection, project, group, request.sources, author)
        return details(connection, project, whole)

    return call.store.state.transact(work)


def _unmerge(call: Call) -> GroupDetails:
    project, request = _project(call), call.body
    assert isinstance(request, Unmerge)
    author = Author(call.identity.name, request.reason)

    def work(connection: Connection) -> GroupDetails:
        group = call.path["group"]
        whole = unmerge(connection, project, group, request.members, author)
        return details(connection, project, whole)

    return call.store.state.transact(work)


def _get_settings(call: Call) -> GroupSettings:
    with call.store.state.read() as connection:
        return find_settings(connection, _project(call))


def _set_settings(call: Call) -> GroupSettings:
    project, settings = _project(call), call.body
    assert isinstance(settings, GroupSettings)
    call.store.state.transact(lambda c: set_settings(c, project, settings))
    return settings


def _project(call: Call) -> Project:
    assert call.project is not None
    return call.project


HANDLERS: Mapping[str, Handler] = {
    "get_group": _get,
    "change_groups": _change,
    "comment_group": _comment,
    "merge_groups": _merge,
    "unmerge_group": _unmerge,
    "get_group_settings": _get_settings,
    "set_group_settings": _set_settings,
}
