"""What ends a state of a group: the group is open again then."""

from __future__ import annotations

from typing import Annotated

import msgspec

__all__ = [
    "AllUntil",
    "AttributeUntil",
    "CountUntil",
    "CrashUntil",
    "HostsUntil",
    "TimeUntil",
    "Until",
    "VersionUntil",
]

_Version = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Time = Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]


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
