"""The rule of fingerprints that would have made one group of what was merged."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint

__all__ = ["ENDPOINTS", "GROUP_RULE", "GroupRule"]


class GroupRule(msgspec.Struct, frozen=True):
    """Rules that make a group's stacks equal, as far as names tell."""

    group: str
    fingerprints: tuple[str, ...]
    """Of the group, whose stacks were compared; the most frequent first, 100 at
    most."""
    rule: str
    """A file of rules, as ``docs/fingerprints.md`` describes it; empty if there is
    none."""
    reason: str
    """Why there is none; empty if there is one."""
    frames: tuple[str, ...]
    """Functions that all stacks have with it, innermost first."""


GROUP_RULE = Endpoint[msgspec.Struct, GroupRule](
    operation="group_rule",
    method="GET",
    path=f"{SCOPE}/groups/{{group}}/rule",
    capability=Capability.QUERY,
    summary="Return the rule that would make one fingerprint of the group's.",
    answer=GroupRule,
)

ENDPOINTS = (GROUP_RULE,)
