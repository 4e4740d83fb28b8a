"""Retention: what is removed when, and what that did so far."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, UNIVERSE, Capability, Endpoint

__all__ = [
    "CLEAR_RETENTION",
    "CLEAR_UNIVERSE_RETENTION",
    "ENDPOINTS",
    "LIST_RETENTION",
    "PLAN_RETENTION",
    "RETENTION_STATUS",
    "RUN_RETENTION",
    "SET_RETENTION",
    "SET_UNIVERSE_RETENTION",
    "Action",
    "Level",
    "Outcome",
    "Planned",
    "ProjectRetention",
    "RetentionList",
    "RetentionPlan",
    "RetentionPolicy",
    "RetentionRule",
    "RetentionStatus",
]

_Seconds = Annotated[int, msgspec.Meta(ge=3600, le=100 * 366 * 24 * 60 * 60)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Action(enum.StrEnum):
    """What becomes of a fault."""

    COMPRESS = "compress"
    """Its body is compressed slowly; it reads as before."""
    DROP_BODY = "drop-body"
    """Its body is removed; its attributes stay, it counts, and can be queried."""
    FORGET = "forget"
    """Body, attributes and its row go; what its group counted stays."""


class Level(enum.StrEnum):
    """Where a policy stands. The nearest one to a project holds, as a whole."""

    INSTANCE = "instance"
    """In the settings of the server."""
    UNIVERSE = "universe"
    PROJECT = "project"
    NONE = "none"
    """There is no policy: everything is kept."""


class RetentionRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: an action, and the one condition under which it is done.

    Exactly one of ``age``, ``size``, and ``first`` with ``last`` is given.
    """

    action: Action
    age: _Seconds | None = None
    """Seconds since the store received the fault."""
    size: _Bytes | None = None
    """Bytes that the bodies of the project may take; the oldest go first.
    Only for ``drop-body``."""
    first: _Count | None = None
    """Bodies of each fingerprint that are kept, of those that came first."""
    last: _Count | None = None
    """The same, of those that came last. Only for ``drop-body``."""
    last_body: bool = False
    """Take also the first body of a group, which is otherwise kept; of a group that is
    being worked on only when nothing else is left."""


class RetentionPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What holds for a project."""

    rules: Annotated[tuple[RetentionRule, ...], msgspec.Meta(max_length=16)] = ()
    quota: _Bytes | None = None
    """Bytes of bodies and attachments; a project that has them takes no more. None for
    no limit."""


class Planned(msgspec.Struct, frozen=True):
    """What one rule would do now."""

    rule: RetentionRule
    count: int
    size: int
    """Bytes of the bodies; what compressing would save is not known before."""


class RetentionPlan(msgspec.Struct, frozen=True):
    """What the policy of a project would do now."""

    level: Level
    planned: tuple[Planned, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What retention did."""

    compressed: int = 0
    dropped: int = 0
    forgotten: int = 0
    freed: int = 0
    """Bytes of bodies."""


class RetentionStatus(msgspec.Struct, frozen=True):
    """How a project stands to its policy. Times are seconds, UTC since the epoch."""

    level: Level
    policy: RetentionPolicy
    """The one that holds."""
    bodies: int
    size: int
    """Bytes that they take."""
    total: Outcome
    """Since the beginning."""
    last: Outcome
    """Of the last run, or the one that is under way."""
    started: int | None = None
    """When that began."""
    finished: int | None = None
    """When the last run came to its end; None if none has."""
    is_running: bool = False
    error: str = ""
    """What stopped the last run; empty if nothing did."""
    forgotten_before: int | None = None
    """Faults received earlier are not there any more."""
    notice: str = ""
    """In words, if the quota is used by three quarters or more."""
    attachments: int = 0
    """Bytes that the files take that were added to faults."""


class ProjectRetention(msgspec.Struct, frozen=True):
    """The policy of one project."""

    name: str
    level: Level
    """Where the policy that holds stands."""
    policy: RetentionPolicy


class RetentionList(msgspec.Struct, frozen=True):
    """All policies of a universe."""

    instance: RetentionPolicy | None
    universe: RetentionPolicy | None
    projects: tuple[ProjectRetention, ...]


RETENTION_STATUS = Endpoint[msgspec.Struct, RetentionStatus](
    operation="retention_status",
    method="GET",
    path=f"{SCOPE}/retention",
    capability=Capability.QUERY,
    summary="Say what is removed when, and what retention did so far.",
    answer=RetentionStatus,
)
SET_RETENTION = Endpoint(
    operation="set_retention",
    method="PUT",
    path=f"{SCOPE}/retention",
    capability=Capability.ADMIN,
    summary="Give the project a policy of its own.",
    request=RetentionPolicy,
    answer=RetentionStatus,
)
CLEAR_RETENTION = Endpoint[msgspec.Struct, RetentionStatus](
    operation="clear_retention",
    method="DELETE",
    path=f"{SCOPE}/retention",
    capability=Capability.ADMIN,
    summary="Let the policy of universe or instance hold for the project.",
    answer=RetentionStatus,
)
PLAN_RETENTION = Endpoint[msgspec.Struct, RetentionPlan](
    operation="plan_retention",
    method="GET",
    path=f"{SCOPE}/retention/plan",
    capability=Capability.QUERY,
    summary="Say what would be removed now; nothing is.",
    answer=RetentionPlan,
)
RUN_RETENTION = Endpoint[msgspec.Struct, RetentionStatus](
    operation="run_retention",
    method="POST",
    path=f"{SCOPE}/retention/run",
    capability=Capability.ADMIN,
    summary="Remove now what the policy removes; answer after some seconds.",
    answer=RetentionStatus,
)
LIST_RETENTION = Endpoint[msgspec.Struct, RetentionList](
    operation="list_retention",
    method="GET",
    path=f"{UNIVERSE}/retention",
    capability=Capability.QUERY,
    summary="List the policies of the universe and its projects.",
    answer=RetentionList,
)
SET_UNIVERSE_RETENTION = Endpoint(
    operation="set_universe_retention",
    method="PUT",
    path=f"{UNIVERSE}/retention",
    capability=Capability.ADMIN,
    summary="Give the universe a policy for projects without one of their own.",
    request=RetentionPolicy,
    answer=RetentionList,
)
CLEAR_UNIVERSE_RETENTION = Endpoint[msgspec.Struct, RetentionList](
    operation="clear_universe_retention",
    method="DELETE",
    path=f"{UNIVERSE}/retention",
    capability=Capability.ADMIN,
    summary="Let the policy of the instance hold where projects have none.",
    answer=RetentionList,
)

ENDPOINTS = (
    RETENTION_STATUS,
    SET_RETENTION,
    CLEAR_RETENTION,
    PLAN_RETENTION,
    RUN_RETENTION,
    LIST_RETENTION,
    SET_UNIVERSE_RETENTION,
    CLEAR_UNIVERSE_RETENTION,
)
