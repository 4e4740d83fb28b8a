"""Groups: reading them, and what people decide about them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from coresnap.errors import UsageError
from coresnap.snapshot.similarity import SIMILAR
from coresnap.store.api.group_changes import ChangedGroups, ChangeGroups, Merge, Unmerge
from coresnap.store.api.group_comparisons import (
    IntroducedGroups,
    SimilarGroups,
    Unusual,
)
from coresnap.store.api.group_reopenings import ReopenedGroups
from coresnap.store.api.group_rules import GroupRule
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.api.groups import Comment, GroupDetails, NewComment
from coresnap.store.groups.changing import change_groups, check_change
from coresnap.store.groups.choosing import chosen_groups
from coresnap.store.groups.commenting import comment
from coresnap.store.groups.details import details
from coresnap.store.groups.finding import find_group
from coresnap.store.groups.group_rule import group_rule
from coresnap.store.groups.history import Author
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.groups.introduced import introduced
from coresnap.store.groups.merging import merge, unmerge
from coresnap.store.groups.reopened import reopened_groups
from coresnap.store.groups.settings import find_settings, set_settings
from coresnap.store.groups.similar import similar_groups
from coresnap.store.groups.unusual import find_unusual
from coresnap.store.project import Project
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.routes.queries import visible_attributes

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
    groups = chosen_groups(
        call.store, project, change.groups, change.filter, visible_attributes(call)
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


def _rule(call: Call) -> GroupRule:
    with call.store.state.read() as connection:
        return group_rule(connection, _project(call), call.path["group"])


def _similar(call: Call) -> SimilarGroups:
    limit = _number(call, "limit", 20, 100)
    percent = _number(call, "percent", round(100 * SIMILAR), 100)
    with call.store.state.read() as connection:
        return similar_groups(
            connection, _project(call), call.path["group"], limit, percent / 100
        )


def _unusual(call: Call) -> Unusual:
    project = _project(call)
    limit = _number(call, "limit", 20, 100)
    with call.store.state.read() as connection:
        group = find_group(connection, project, call.path["group"])
    sync_groups(call.store, project)
    return find_unusual(
        call.store,
        project,
        group,
        limit,
        visible_attributes(call),
        same_application=bool(call.parameters.get("same_application", False)),
    )


def _introduced(call: Call) -> IntroducedGroups:
    return introduced(
        call.store,
        _project(call),
        str(call.parameters["attribute"]),
        str(call.parameters["value"]),
        _number(call, "limit", 100, 1000),
        visible_attributes(call),
    )


def _reopened(call: Call) -> ReopenedGroups:
    limit = _number(call, "limit", 1000, 1000)
    since = int(call.parameters["since"])
    with call.store.state.read() as connection:
        return reopened_groups(connection, _project(call), since, limit)


def _number(call: Call, name: str, default: int, most: int) -> int:
    number = int(call.parameters.get(name, default))
    if not 1 <= number <= most:
        raise UsageError(f"{name} is 1 to {most}")
    return number


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
    "group_rule": _rule,
    "similar_groups": _similar,
    "unusual": _unusual,
    "introduced": _introduced,
    "reopened": _reopened,
}
