"""Every attribute that the store knows before a fault has it.

Those that analysis gives (``model.attributes``), those that the store adds on arrival,
and those of a fault's group, which belong to the workflow and so can change later.
"""

from __future__ import annotations

from coresnap.model.attributes import ATTRIBUTES
from coresnap.store.attributes.attribute import Attribute, Kind

__all__ = ["CATALOGUE", "COLUMNS", "FORMATS", "JOINED"]

FORMATS: dict[str, tuple[Kind, ...]] = {
    "none": tuple(Kind),
    "address": (Kind.INTEGER,),
    "boolean": (Kind.INTEGER,),
    "bytes": (Kind.INTEGER, Kind.NUMBER),
    "kilobytes": (Kind.INTEGER, Kind.NUMBER),
    "seconds": (Kind.INTEGER, Kind.NUMBER),
    "milliseconds": (Kind.INTEGER, Kind.NUMBER),
    "nanoseconds": (Kind.INTEGER, Kind.NUMBER),
    "percentage": (Kind.INTEGER, Kind.NUMBER),
    "timestamp": (Kind.INTEGER, Kind.NUMBER),
    "callstack": (Kind.TEXT,),
    "commit": (Kind.TEXT,),
    "hostname": (Kind.TEXT,),
    "ip": (Kind.TEXT,),
    "semver": (Kind.TEXT,),
    "sha256": (Kind.TEXT,),
    "url": (Kind.TEXT,),
    "uuid": (Kind.TEXT,),
    "labels": (Kind.LABELS,),
}
"""Format to the kinds of values that can have it."""


def _of_analysis() -> dict[str, Attribute]:
    return {
        name: Attribute(
            name, Kind(kind.kind), kind.format, kind.unit, kind.origin, is_known=True
        )
        for name, kind in ATTRIBUTES.items()
    }


def _text(name: str, description: str, format: str = "none") -> Attribute:
    return Attribute(name, Kind.TEXT, format, "", description, is_known=True)


def _integer(
    name: str, description: str, format: str = "none", unit: str = ""
) -> Attribute:
    return Attribute(name, Kind.INTEGER, format, unit, description, is_known=True)


def _labels(name: str, description: str) -> Attribute:
    return Attribute(name, Kind.LABELS, "labels", "", description, is_known=True)


def _moment(name: str, description: str) -> Attribute:
    return _integer(name, description, "timestamp", "seconds")


_ADDED = (
    _text("object", "the fault's id in its project", "uuid"),
    _integer("object.size", "of the snapshot that was sent", "bytes", "bytes"),
    _moment("timestamp.received", "when the store accepted it, by its own clock"),
    _text("fingerprint", "equal for the same fault", "sha256"),
    _integer("quality", "0 to 100: how comprehensible the snapshot is"),
    _labels("symbols.missing", "build-ids of modules that could not be read whole"),
    _text("application.version", "given by the program or its operator", "semver"),
    _text("version", "given by the program or its operator", "semver"),
)

_OF_GROUPS = (
    _text("group", "fingerprint of the first fault of the group", "sha256"),
    _text("group.state", "`open`, `in-progress`, `resolved` or `muted`"),
    _text("group.assignee", "who works on it"),
    _labels("group.tags", "that people gave it"),
    _text("group.title", "program and inner frames"),
    _moment("group.first_seen", "time of the group's earliest crash"),
    _moment("group.last_seen", "time of the group's latest crash"),
    _integer("group.count", "faults of the group, sampled ones too", "none", "count"),
)

JOINED = {attribute.name: attribute for attribute in _OF_GROUPS}
"""Attributes of a fault's group: joined when a query is answered, in no fault."""

COLUMNS = {**_of_analysis(), **{attribute.name: attribute for attribute in _ADDED}}
"""Attributes with a column of their own in the index."""

CATALOGUE = COLUMNS | JOINED
"""All of them, by name."""
