"""Groups that were closed and are open again: what has come back."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Parameter
from coresnap.store.api.groups import State

__all__ = ["ENDPOINTS", "REOPENED", "ReopenedGroup", "ReopenedGroups"]


class ReopenedGroup(msgspec.Struct, frozen=True):
    """A group that a fault, or time, has opened again."""

    group: str
    time: int
    """When, the last time: seconds, UTC since the epoch."""
    before: State
    """``resolved``: it is a regression; ``muted``: the mute has ended."""
    why: str
    """The comparison that was made, as in the group's history."""


class ReopenedGroups(msgspec.Struct, frozen=True):
    """Groups that were reopened and are not closed again, the latest first."""

    groups: tuple[ReopenedGroup, ...]


REOPENED = Endpoint[msgspec.Struct, ReopenedGroups](
    operation="reopened",
    method="GET",
    path=f"{SCOPE}/reopened",
    capability=Capability.QUERY,
    summary="Return the groups that are open again since a time.",
    answer=ReopenedGroups,
    parameters=(
        Parameter("since", int, "Seconds, UTC since the epoch.", is_required=True),
        Parameter("limit", int, "How many, 1 to 1000; 1000 without."),
    ),
)

ENDPOINTS = (REOPENED,)
