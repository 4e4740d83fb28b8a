"""Groups: what people decided about faults of a kind, and what happened since."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Parameter
from coresnap.store.fault import Value
from coresnap.store.query.query import Filter

__all__ = [
    "CHANGE_GROUPS",
    "COMMENT_GROUP",
    "ENDPOINTS",
    "GET_GROUP",
    "GET_GROUP_SETTINGS",
    "INTRODUCED",
    "MERGE_GROUPS",
    "SET_GROUP_SETTINGS",
    "SIMILAR_GROUPS",
    "UNMERGE_GROUP",
    "UNUSUAL",
    "AllUntil",
    "AttributeUntil",
    "ChangeGroups",
    "ChangedGroups",
    "Comment",
    "ComparedFrame",
    "CountUntil",
    "CrashUntil",
    "GroupDetails",
    "GroupFingerprint",
    "GroupId",
    "GroupSettings",
    "HistoryEntry",
    "HostsUntil",
    "IntroducedGroup",
    "IntroducedGroups",
    "Link",
    "Merge",
    "NewComment",
    "Resolution",
    "SimilarGroup",
    "SimilarGroups",
    "State",
    "TimeUntil",
    "Unmerge",
    "Until",
    "Unusual",
    "UnusualValue",
    "VersionUntil",
]

GroupId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{4,64}$")]
"""A group's id, one of its fingerprints, or the beginning of either."""
_Reason = Annotated[str, msgspec.Meta(max_length=4096)]
_Person = Annotated[str, msgspec.Meta(max_length=128)]
_Tag = Annotated[str, msgspec.Meta(pattern=r"^[^\s\x00-\x1f]{1,64}$")]
_Version = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Time = Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]
_Url = Annotated[str, msgspec.Meta(pattern=r"^https?://\S{1,1000}$")]


class State(enum.StrEnum):
    """Where a group is in the workflow."""

    OPEN = "open"
    IN_PROGRESS = "in-progress"
    RESOLVED = "resolved"
    MUTED = "muted"


class VersionUntil(msgspec.Struct, frozen=True, tag="version", omit_defaults=True):
    """Until a fault has this version, or a later one."""

    version: _Version
    or_equal: bool = True
    """False: only a later one."""


class TimeUntil(msgspec.Struct, frozen=True, tag="time"):
    """Until a time, seconds UTC since the epoch."""

    time: _Time


class CrashUntil(msgspec.Struct, frozen=True, tag="crash"):
    """Until a fault crashed after this time, by the clock of its host."""

    time: _Time


class CountUntil(msgspec.Struct, frozen=True, tag="count"):
    """Until so many faults more have come."""

    count: Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]


class HostsUntil(msgspec.Struct, frozen=True, tag="hosts"):
    """Until so many hosts have had it since."""

    hosts: Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class AttributeUntil(msgspec.Struct, frozen=True, tag="attribute"):
    """Until a regular expression is found in a fault's attribute."""

    attribute: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


_SingleUntil = (
    VersionUntil | TimeUntil | CrashUntil | CountUntil | HostsUntil | AttributeUntil
)


class AllUntil(msgspec.Struct, frozen=True, tag="all"):
    """Until all of these hold for one fault; they do not nest."""

    parts: Annotated[tuple[_SingleUntil, ...], msgspec.Meta(min_length=2, max_length=8)]


Until = _SingleUntil | AllUntil
"""What ends a state: the group is open again then."""


class Resolution(enum.StrEnum):
    """When a group counts as resolved, without saying a version."""

    NOW = "now"
    """What is later than the latest version that had the fault reopens it."""
    NEXT = "next"
    """What is later than the application's latest version reopens it: the version
    that is to bring the remedy is not out yet."""


class Link(msgspec.Struct, frozen=True):
    """A ticket that a group is linked with."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[^\s\x00-\x1f]{1,128}$")]
    """As people say it: ``NET-17``; once in a group."""
    url: _Url


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


class GroupFingerprint(msgspec.Struct, frozen=True):
    """One fingerprint of a group. Times are seconds, UTC since the epoch."""

    fingerprint: str
    original: str
    """The group that it made; another one's if it was merged."""
    ruleset: int
    """Version of the rules that made it; 0 if unknown."""
    first_seen: int
    last_seen: int
    count: int
    latest: str
    """The latest version that had it; empty if none can be compared."""
    title: str
    callstack: tuple[str, ...]


class HistoryEntry(msgspec.Struct, frozen=True):
    """One thing that happened to a group."""

    time: int
    who: str
    """Of a token or a user; ``coroner`` for the store itself."""
    what: str
    """``state``, ``assignee``, ``tags``, ``link``, ``merge``, ``unmerge``,
    ``reprocess``."""
    old: str
    new: str
    why: str
    """The reason that was given, or the comparison that was made."""


class Comment(msgspec.Struct, frozen=True):
    """What somebody wrote about a group."""

    group: str
    """That it was written for; another one if that was merged."""
    time: int
    who: str
    text: str


class GroupDetails(msgspec.Struct, frozen=True):
    """A group, with all that people did with it."""

    id: str
    state: State
    since: int
    until: tuple[Until, ...]
    assignee: str
    tags: tuple[str, ...]
    title: str
    first_seen: int
    last_seen: int
    count: int
    reopened: int
    last_reopened: int | None
    links: tuple[Link, ...]
    merged: tuple[str, ...]
    """Groups that were merged into this one."""
    fingerprints: tuple[GroupFingerprint, ...]
    """The most frequent first; 100 at most."""
    comments: tuple[Comment, ...]
    history: tuple[HistoryEntry, ...]
    """The last 200, in their order."""


class NewComment(msgspec.Struct, frozen=True):
    """What somebody writes about a group."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=65536)]


class Merge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which groups become part of another one."""

    sources: Annotated[tuple[GroupId, ...], msgspec.Meta(min_length=1, max_length=1000)]
    reason: _Reason = ""


class Unmerge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which groups are on their own again."""

    members: Annotated[tuple[GroupId, ...], msgspec.Meta(max_length=1000)] = ()
    """Ids of groups that were merged into this one; all of them without any."""
    reason: _Reason = ""


class GroupSettings(msgspec.Struct, frozen=True):
    """How a project's groups are told when to reopen."""

    version_attributes: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=128)], ...],
        msgspec.Meta(min_length=1, max_length=8),
    ] = ("application.version", "version")
    """The first of these that a fault has is its version."""
    scheme: Annotated[str, msgspec.Meta(pattern="^(semver|dpkg|rpm|number)$")] = (
        "semver"
    )
    """How versions compare: ``semver``, ``dpkg``, ``rpm`` or ``number``."""


class ComparedFrame(msgspec.Struct, frozen=True):
    """One frame on the way from one stack to another."""

    frame: str
    cost: float
    """Its part of the distance."""
    one: int | None
    """Its place in the first stack; None: only the other has it."""
    other: int | None


class SimilarGroup(msgspec.Struct, frozen=True):
    """A group whose stack is near."""

    group: str
    fingerprint: str
    """Of the group, whose stack was compared."""
    distance: float
    """0: equal; 1: no common frame."""
    title: str
    state: State
    count: int
    frames: tuple[ComparedFrame, ...]
    """Innermost first."""


class SimilarGroups(msgspec.Struct, frozen=True):
    """Groups near one, the nearest first."""

    group: str
    groups: tuple[SimilarGroup, ...]
    known: int
    """Stacks of the project that were looked at."""


class UnusualValue(msgspec.Struct, frozen=True):
    """A value that is more frequent in a group than elsewhere."""

    attribute: str
    value: Value
    """Of labels one word; of ``comparison`` the bound."""
    comparison: str
    """``equal``; ``at-least`` or ``less-than`` for numbers with many values."""
    count: int
    """Faults of the group that have it, of those that were looked at: the support."""
    elsewhere: int
    """The same of the other faults."""
    ratio: float | None
    """Share of the group's faults by share of the others; None: no other has it."""
    probability: float
    """That chance does this much to any of the values that were tested (Fisher's
    exact test, one-sided, corrected after Bonferroni)."""


class Unusual(msgspec.Struct, frozen=True):
    """What distinguishes the faults of a group from others."""

    group: str
    faults: int
    """Of the group, in the index."""
    others: int
    """That they are compared with."""
    seen: int
    """Of the group's faults, so many were looked at: all, or a sample."""
    seen_others: int
    """The same of the others."""
    tested: int
    """Values."""
    values: tuple[UnusualValue, ...]
    """The least probable first."""


class IntroducedGroup(msgspec.Struct, frozen=True):
    """A group that began with a value of an attribute."""

    group: str
    title: str
    count: int
    first_seen: int
    is_unique: bool
    """Whether all of its faults have that value."""


class IntroducedGroups(msgspec.Struct, frozen=True):
    """Groups whose first fault had a value, the most frequent first."""

    groups: tuple[IntroducedGroup, ...]


GET_GROUP = Endpoint[msgspec.Struct, GroupDetails](
    operation="get_group",
    method="GET",
    path=f"{SCOPE}/groups/{{group}}",
    capability=Capability.QUERY,
    summary="Return a group with its fingerprints, comments and history.",
    answer=GroupDetails,
)
CHANGE_GROUPS = Endpoint(
    operation="change_groups",
    method="POST",
    path=f"{SCOPE}/group-changes",
    capability=Capability.QUERY,
    summary="Change state, assignee, tags or tickets of some groups.",
    request=ChangeGroups,
    answer=ChangedGroups,
)
COMMENT_GROUP = Endpoint(
    operation="comment_group",
    method="POST",
    path=f"{SCOPE}/groups/{{group}}/comments",
    capability=Capability.QUERY,
    summary="Write something about a group.",
    request=NewComment,
    answer=Comment,
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
GET_GROUP_SETTINGS = Endpoint[msgspec.Struct, GroupSettings](
    operation="get_group_settings",
    method="GET",
    path=f"{SCOPE}/group-settings",
    capability=Capability.QUERY,
    summary="Say how versions are read and compared.",
    answer=GroupSettings,
)
SET_GROUP_SETTINGS = Endpoint(
    operation="set_group_settings",
    method="PUT",
    path=f"{SCOPE}/group-settings",
    capability=Capability.ADMIN,
    summary="Set how versions are read and compared.",
    request=GroupSettings,
    answer=GroupSettings,
)
SIMILAR_GROUPS = Endpoint[msgspec.Struct, SimilarGroups](
    operation="similar_groups",
    method="GET",
    path=f"{SCOPE}/groups/{{group}}/similar",
    capability=Capability.QUERY,
    summary="Return the groups whose stacks are near this one's.",
    answer=SimilarGroups,
    parameters=(
        Parameter("limit", int, "How many, 1 to 100; 20 without."),
        Parameter("percent", int, "Greatest distance, 1 to 100; 45 without."),
    ),
)
UNUSUAL = Endpoint[msgspec.Struct, Unusual](
    operation="unusual",
    method="GET",
    path=f"{SCOPE}/groups/{{group}}/unusual",
    capability=Capability.QUERY,
    summary="Return values that are more frequent in a group than elsewhere.",
    answer=Unusual,
    parameters=(
        Parameter("limit", int, "How many, 1 to 100; 20 without."),
        Parameter("same_application", bool, "Compare with its application's faults."),
    ),
)
INTRODUCED = Endpoint[msgspec.Struct, IntroducedGroups](
    operation="introduced",
    method="GET",
    path=f"{SCOPE}/introduced",
    capability=Capability.QUERY,
    summary="Return the groups whose first fault had a value, as a version has.",
    answer=IntroducedGroups,
    parameters=(
        Parameter("attribute", str, "Its name.", is_required=True),
        Parameter("value", str, "As it is written in queries.", is_required=True),
        Parameter("limit", int, "How many, 1 to 1000; 100 without."),
    ),
)

ENDPOINTS = (
    GET_GROUP,
    CHANGE_GROUPS,
    COMMENT_GROUP,
    MERGE_GROUPS,
    UNMERGE_GROUP,
    GET_GROUP_SETTINGS,
    SET_GROUP_SETTINGS,
    SIMILAR_GROUPS,
    UNUSUAL,
    INTRODUCED,
)
