"""What the controller tells a site, and what a site tells: lines of JSON.

Times are nanoseconds of CLOCK_MONOTONIC, which all processes share and no clock that
is set wrong touches.
"""

from __future__ import annotations

import msgspec

__all__ = [
    "Crash",
    "Crashes",
    "End",
    "Given",
    "HostOrder",
    "Hosts",
    "Left",
    "Note",
    "Order",
    "Restart",
    "Said",
    "Standing",
    "Taken",
    "Want",
]


class HostOrder(msgspec.Struct, frozen=True):
    """One host with a daemon of its own."""

    name: str
    directory: str
    """Everything of it is below; what is there already stays."""
    machine_id: str


class Hosts(msgspec.Struct, frozen=True, tag="hosts"):
    """Be these hosts: each with the coresnap.conf and coroner.cf in its directory."""

    hosts: tuple[HostOrder, ...]
    is_started: bool = True
    """Their daemons run at once; else with the first Restart."""


class Crash(msgspec.Struct, frozen=True):
    """A program that is to crash."""

    host: str
    kind: int
    after: float = 0
    """Seconds from the order on."""
    project: str = "blackhole"
    ballast: int = 0
    """Bytes that the snapshot has beside what was recorded."""
    offset: int = 0
    """Seconds that the crash's timestamp is ahead of the host's clock."""
    attributes: dict[str, str] = {}


class Crashes(msgspec.Struct, frozen=True, tag="crashes"):
    """Let these happen."""

    crashes: tuple[Crash, ...]


class Restart(msgspec.Struct, frozen=True, tag="restart"):
    """Restart the daemons of these hosts: they read their settings again."""

    hosts: tuple[str, ...]


class Want(msgspec.Struct, frozen=True, tag="want"):
    """Do what ``coresnap retry sending/ID`` does, for all that waits."""

    hosts: tuple[str, ...]


class End(msgspec.Struct, frozen=True, tag="end"):
    """End the daemons, as a shutdown does."""


Order = Hosts | Crashes | Restart | Want | End


class Left(msgspec.Struct, frozen=True, tag="left"):
    """A snapshot is in the spool, and the journal knows."""

    time: int
    host: str
    id: str
    kind: int
    fingerprint: str
    project: str
    is_sure: bool
    size: int


class Given(msgspec.Struct, frozen=True, tag="given"):
    """The daemon gave a snapshot to its sender: one try."""

    time: int
    host: str
    id: str


class Taken(msgspec.Struct, frozen=True, tag="taken"):
    """The sender said what became of it."""

    time: int
    host: str
    id: str
    outcome: str
    reason: str = ""
    wait: float = 0
    stored: str = ""


class Said(msgspec.Struct, frozen=True, tag="said"):
    """The daemon wrote a warning or an error into its log."""

    time: int
    host: str
    text: str


class Standing(msgspec.Struct, frozen=True, tag="standing"):
    """How the hosts of a site stand."""

    time: int
    ready: bool
    """All orders so far are carried out, and no crash is due any more."""
    waiting: int
    """Snapshots that the store has not acknowledged."""
    error: str = ""
    """The site's own failure, which ends it."""


Note = Left | Given | Taken | Said | Standing
