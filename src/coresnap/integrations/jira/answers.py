"""What Jira answers with, as far as it is read: the same in Cloud's v3 and v2.

Unknown fields are ignored and missing ones are absent, as both promise to add some.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

__all__ = [
    "Category",
    "Changelog",
    "Comment",
    "Comments",
    "Created",
    "Failures",
    "Fields",
    "History",
    "HistoryItem",
    "HistoryMark",
    "Issue",
    "IssueLink",
    "IssueType",
    "LinkType",
    "LinkTypes",
    "LinkedIssue",
    "Named",
    "Project",
    "Screen",
    "Search",
    "Status",
    "Transition",
    "Transitions",
    "User",
]


_Id = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,32}$")]
_Key = Annotated[
    str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_]*-[0-9]+$", max_length=300)
]
"""Ids and keys become parts of paths and of addresses for people."""


class Named(msgspec.Struct, frozen=True):
    """A resolution, a version, a project."""

    id: str
    name: str = ""


class Category(msgspec.Struct, frozen=True):
    """One of Jira's own three (or none)."""

    key: str = ""
    """``new``, ``indeterminate``, ``done``."""


class Status(msgspec.Struct, frozen=True):
    """A status of a workflow."""

    id: str
    name: str = ""
    category: Category = msgspec.field(name="statusCategory", default=Category())


class User(msgspec.Struct, frozen=True, rename="camel"):
    """An account; Cloud has ids, Data Center names."""

    account_id: str = ""
    name: str = ""
    display_name: str = ""
    email_address: str | None = None


class LinkType(msgspec.Struct, frozen=True):
    """A way in which issues are linked."""

    id: str = ""
    name: str = ""


class LinkTypes(msgspec.Struct, frozen=True, rename="camel"):
    """All ways."""

    issue_link_types: tuple[LinkType, ...] = ()


class LinkedIssue(msgspec.Struct, frozen=True):
    """The other end of a link."""

    id: _Id
    key: _Key


class IssueLink(msgspec.Struct, frozen=True, rename="camel"):
    """A link as one of its ends shows it: this issue does ``type.outward`` to the
    outward one."""

    type: LinkType
    outward_issue: LinkedIssue | None = None
    inward_issue: LinkedIssue | None = None


class Fields(msgspec.Struct, frozen=True, rename="camel"):
    """The fields of an issue that are asked for."""

    status: Status
    resolution: Named | None = None
    assignee: User | None = None
    labels: tuple[str, ...] = ()
    fix_versions: tuple[Named, ...] = ()
    issuelinks: tuple[IssueLink, ...] = msgspec.field(name="issuelinks", default=())


class HistoryMark(msgspec.Struct, frozen=True):
    """What a program said of itself when it made a change."""

    type: str | None = None


class HistoryItem(msgspec.Struct, frozen=True):
    """One field that was changed."""

    field: str


class History(msgspec.Struct, frozen=True, rename="camel"):
    """One change."""

    id: str
    created: str
    items: tuple[HistoryItem, ...] = ()
    author: User | None = None
    history_metadata: HistoryMark | None = None


class Changelog(msgspec.Struct, frozen=True):
    """The changes of an issue, the latest first in Cloud, last in Data Center."""

    histories: tuple[History, ...] = ()


class Issue(msgspec.Struct, frozen=True):
    """A ticket."""

    id: _Id
    key: _Key
    fields: Fields
    changelog: Changelog | None = None


class Created(msgspec.Struct, frozen=True):
    """What was made."""

    id: _Id
    key: _Key


class Search(msgspec.Struct, frozen=True, rename="camel"):
    """A page of issues."""

    issues: tuple[Issue, ...] = ()
    next_page_token: str | None = None
    """Cloud; absent on the last page."""
    total: int = 0
    """Data Center."""


class Screen(msgspec.Struct, frozen=True, rename="camel"):
    """A field that a transition asks for."""

    required: bool = False
    has_default_value: bool = False
    allowed_values: tuple[msgspec.Raw, ...] = ()


class Transition(msgspec.Struct, frozen=True):
    """A way to another status."""

    id: str
    to: Status
    name: str = ""
    fields: dict[str, Screen] = {}


class Transitions(msgspec.Struct, frozen=True):
    """The ways from here."""

    transitions: tuple[Transition, ...] = ()


class Comment(msgspec.Struct, frozen=True):
    """A comment; the body is markup or a document."""

    id: str
    body: msgspec.Raw = msgspec.Raw(b'""')


class Comments(msgspec.Struct, frozen=True):
    """Some comments."""

    comments: tuple[Comment, ...] = ()


class Project(msgspec.Struct, frozen=True):
    """A project."""

    key: str
    name: str = ""


class IssueType(msgspec.Struct, frozen=True):
    """A kind of issue, with the statuses that it can have in a project."""

    id: str
    name: str = ""
    statuses: tuple[Status, ...] = ()


class Failures(msgspec.Struct, frozen=True, rename="camel"):
    """Why not."""

    error_messages: tuple[str, ...] = ()
    errors: dict[str, str] = {}
