"""What is told to people about a group, and the contract of who tells it.

The store decides what is to be told and keeps it in a queue; a ``Channel`` of
``integrations/`` brings it to where people are. Neither knows the other.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

__all__ = [
    "Change",
    "Channel",
    "Delivered",
    "Event",
    "Notice",
    "Ticket",
    "Told",
]


class Event(enum.StrEnum):
    """Why something is told."""

    NEW_GROUP = "new-group"
    """A fingerprint that was never seen before."""
    REGRESSION = "regression"
    """A closed group is open again."""
    COUNT = "count"
    """So many faults."""
    HOSTS = "hosts"
    """On so many hosts."""
    RATE = "rate"
    """So many faults in a while."""
    STATE = "state"
    """Somebody changed state or assignee."""
    MERGE = "merge"
    """The group has become part of ``Notice.other``."""
    UPDATE = "update"
    """Nothing new: counts of what was told have grown."""
    DIGEST = "digest"
    """A scheduled report of a project; the notice has ``lines`` and no group."""
    TEST = "test"
    """Somebody asked whether it works."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One group in a digest."""

    group: str
    title: str
    state: str
    count: int
    """In the digest's time."""
    before: int
    """In the time of the same length before it."""
    hosts: int
    url: str = ""
    is_new: bool = False


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told. Times are seconds, UTC since the epoch; everything that a process
    chose (title, frames, attributes) is as hostile as the process was."""

    id: str
    """The same for each try: who delivers twice knows it by this."""
    event: Event
    time: int
    universe: str
    project: str
    rule: str
    """Name of the rule that wanted it."""
    group: str = ""
    """Id of the group, 64 hex digits; empty in a digest."""
    title: str = ""
    summary: str = ""
    """The verdict of its last fault, one sentence."""
    state: str = ""
    assignee: str = ""
    tags: tuple[str, ...] = ()
    first_seen: int = 0
    last_seen: int = 0
    count: int = 0
    hosts: int = 0
    versions: tuple[str, ...] = ()
    callstack: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[tuple[str, int], ...]] = {}
    """The commonest values of some attributes, with how many faults have them."""
    object: str = ""
    """Object id of the last fault, for ``coroner get``."""
    url: str = ""
    """Of the group in the web console; empty where the server knows no address."""
    who: str = ""
    why: str = ""
    """Reason of a change: the comparison of a regression, the words of a person."""
    other: str = ""
    """Of a merge: the group that it is part of now."""
    since: int = 0
    """Of a digest: where its time begins; it ends at ``time``."""
    lines: tuple[Told, ...] = ()


class Ticket(msgspec.Struct, frozen=True):
    """A ticket that a delivery made or found; it becomes a link of the group."""

    name: str
    """As people say it: ``NET-17``."""
    url: str


class Delivered(msgspec.Struct, frozen=True):
    """What became of a delivery."""

    memory: Mapping[str, str]
    """What the channel wants to be given with the next notice about this group: the id
    of its message, the key of its ticket. Small."""
    line: str
    """What was done, for people: ``posted to #crashes``, ``NET-17 reopened``."""
    ticket: Ticket | None = None


class Change(msgspec.Struct, frozen=True):
    """What somebody did on the other side, to be done to the group as well."""

    group: str
    who: str
    why: str
    """``NET-17 is Done``; it goes into the group's history."""
    state: str = ""
    """``open``, ``in-progress``, ``resolved``, ``muted``; empty: stays as it is."""
    assignee: str | None = None
    """None: stays as it is."""
    next_version: bool = False
    """Resolved means: from the next version on."""
    fixed_in: tuple[str, ...] = ()
    """Resolved means: from the greatest of these versions on. Where none of them
    compares by the project's scheme, from the next one on."""
    muted_until: int = 0
    """Of muted, which needs an end: when."""
    memory: Mapping[str, str] | None = None
    """What is to be remembered of the group from now on; None: as before."""


class Channel(Protocol):
    """One configured way to people. Used by one thread at a time."""

    kind: str
    pace: float
    """Least seconds between two deliveries."""

    def deliver(self, notice: Notice, memory: Mapping[str, str]) -> Delivered:
        """Tell it. Raises DeliveryError: when to try again, or that it is useless."""

    def preview(self, notice: Notice, memory: Mapping[str, str]) -> str:
        """Return what ``deliver`` would send, as text that people can read; secrets
        are left out, nothing is sent."""

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterable[Change]:
        """Yield what happened on the other side since a time, for groups given by id
        with what is remembered of each. One-way channels yield nothing."""

    def close(self) -> None:
        """Let go of connections."""
