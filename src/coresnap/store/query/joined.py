"""Attributes that a fault has from its group, as it is when the question is asked."""

from __future__ import annotations

from coresnap.store.attributes.attribute import Attribute, Kind

__all__ = ["GROUP", "JOINED", "is_joined"]

GROUP = "group"
"""The group's id; of a fault without a group, its fingerprint."""

JOINED = {
    attribute.name: attribute
    for attribute in (
        Attribute(GROUP, Kind.TEXT, "sha256", "", "Group that the fault is in."),
        Attribute(
            "group.state",
            Kind.TEXT,
            description="open, in-progress, resolved or muted.",
        ),
        Attribute("group.assignee", Kind.TEXT, description="Who works on the group."),
        Attribute("group.tags", Kind.LABELS, "labels", "", "Tags of the group."),
        Attribute("group.title", Kind.TEXT, description="Program and inner frames."),
        Attribute(
            "group.first_seen",
            Kind.INTEGER,
            "timestamp",
            "seconds",
            "Time of the group's first crash.",
        ),
        Attribute(
            "group.last_seen",
            Kind.INTEGER,
            "timestamp",
            "seconds",
            "Time of the group's last crash.",
        ),
    )
}
"""All of them, by name. Those that are not in ``IndexedGroup.attributes`` are unset."""


def is_joined(name: str) -> bool:
    """Tell whether an attribute comes from the group, not from the fault."""
    return name in JOINED
