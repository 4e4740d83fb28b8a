"""Groups beside others: near ones, what is unusual in one, what began with a value."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Parameter
from coresnap.store.api.groups import State
from coresnap.store.fault import Value

__all__ = [
    "ENDPOINTS",
    "INTRODUCED",
    "SIMILAR_GROUPS",
    "UNUSUAL",
    "ComparedFrame",
    "IntroducedGroup",
    "IntroducedGroups",
    "SimilarGroup",
    "SimilarGroups",
    "Unusual",
    "UnusualValue",
]


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
    SIMILAR_GROUPS,
    UNUSUAL,
    INTRODUCED,
)
