"""Groups: faults of a kind, what people said of them, and what happened since."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint
from coresnap.store.api.until import Until

__all__ = [
    "COMMENT_GROUP",
    "ENDPOINTS",
    "GET_GROUP",
    "Comment",
    "GroupDetails",
    "GroupFingerprint",
    "GroupId",
    "HistoryEntry",
    "Link",
    "NewComment",
    "State",
]

GroupId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{4,64}$")]
"""A group's id, one of its fingerprints, or the beginning of either."""
_Url = Annotated[str, msgspec.Meta(pattern=r"^https?://\S{1,1000}$")]


class State(enum.StrEnum):
    """Where a group is in the workflow."""

    OPEN = "open"
    IN_PROGRESS = "in-progress"
    RESOLVED = "resolved"
    MUTED = "muted"


class Link(msgspec.Struct, frozen=True):
    """A ticket that a group is linked with."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[^\s\x00-\x1f]{1,128}$")]
    """As people say it: ``NET-17``; once in a group."""
    url: _Url


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


GET_GROUP = Endpoint[msgspec.Struct, GroupDetails](
    operation="get_group",
    method="GET",
    path=f"{SCOPE}/groups/{{group}}",
    capability=Capability.QUERY,
    summary="Return a group with its fingerprints, comments and history.",
    answer=GroupDetails,
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

ENDPOINTS = (
    GET_GROUP,
    COMMENT_GROUP,
)
