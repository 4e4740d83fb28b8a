"""What people decide about groups: their state and who cares, and what is one."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint
from coresnap.store.api.groups import GroupDetails, GroupId, Link, State
from coresnap.store.api.until import Until
from coresnap.store.query.query import Filter

__all__ = [
    "CHANGE_GROUPS",
    "ENDPOINTS",
    "MERGE_GROUPS",
    "UNMERGE_GROUP",
    "ChangeGroups",
    "ChangedGroups",
    "Merge",
    "Resolution",
    "Unmerge",
]

_Reason = Annotated[str, msgspec.Meta(max_length=4096)]
_Person = Annotated[str, msgspec.Meta(max_length=128)]
_Tag = Annotated[str, msgspec.Meta(pattern=r"^[^\s\x00-\x1f]{1,64}$")]


class Resolution(enum.StrEnum):
    """When a group counts as resolved, without saying a version."""

    NOW = "now"
    """What is later than the latest version that had the fault reopens it."""
    NEXT = "next"
    """What is later than the application's latest version reopens it: the version
    that is to bring the remedy is not out yet."""


class ChangeGroups(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to become of some groups. What is None stays."""

    groups: Annotated[tuple[GroupId, ...], msgspec.Meta(max_length=10_000)] = ()
    filter: Filter | None = None
    """Groups of the faults that pass it, if no groups are named."""
    state: State | None = None
    resolution: Resolution = Resolution.NOW
    """For state ``resolved`` without ``until``."""
    until: Annotated[tuple[Until, ...], msgspec.Meta(max_length=16)] = ()
    """Any of them ends the state ``resolved`` or ``muted``."""
    assignee: _Person | None = None
    """Empty: nobody."""
    add_tags: Annotated[tuple[_Tag, ...], msgspec.Meta(max_length=64)] = ()
    remove_tags: Annotated[tuple[_Tag, ...], msgspec.Meta(max_length=64)] = ()
    add_link: Link | None = None
    remove_link: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    """By its name."""
    reason: _Reason = ""
    dry_run: bool = False
    """Only say which groups it would be."""


class ChangedGroups(msgspec.Struct, frozen=True):
    """Which groups were changed, or would be."""

    groups: tuple[str, ...]
    """Ids."""
    changed: int
    """Of these; the others were so before."""


class Merge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which groups become part of another one."""

    sources: Annotated[tuple[GroupId, ...], msgspec.Meta(min_length=1, max_length=1000)]
    reason: _Reason = ""


class Unmerge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which groups are on their own again."""

    members: Annotated[tuple[GroupId, ...], msgspec.Meta(max_length=1000)] = ()
    """Ids of groups that were merged into this one; all of them without any."""
    reason: _Reason = ""


CHANGE_GROUPS = Endpoint(
    operation="change_groups",
    method="POST",
    path=f"{SCOPE}/group-changes",
    capability=Capability.QUERY,
    summary="Change state, assignee, tags or tickets of some groups.",
    request=ChangeGroups,
    answer=ChangedGroups,
)
MERGE_GROUPS = Endpoint(
    operation="merge_groups",
    method="POST",
    path=f"{SCOPE}/groups/{{group}}/merge",
    capability=Capability.QUERY,
    summary="Make other groups a part of this one.",
    request=Merge,
    answer=GroupDetails,
)
UNMERGE_GROUP = Endpoint(
    operation="unmerge_group",
    method="POST",
    path=f"{SCOPE}/groups/{{group}}/unmerge",
    capability=Capability.QUERY,
    summary="Let groups that were merged into this one be on their own again.",
    request=Unmerge,
    answer=GroupDetails,
)

ENDPOINTS = (
    CHANGE_GROUPS,
    MERGE_GROUPS,
    UNMERGE_GROUP,
)
