"""One crash: what the operating system said of it, and what of it is on disk.

Frozen attrs classes, like the other nouns of capture; the nouns of a snapshot are in
``model``. Times are UTC nanoseconds since the epoch, sizes are bytes; ``None`` means
"not known", never "no".
"""

from __future__ import annotations

import enum

import attrs

__all__ = ["Archive", "Crash", "Stage"]


class Stage(enum.StrEnum):
    """The directory of the spool that an archive's newest part stands in."""

    PENDING = "pending"
    """A core, or the record of a crash without one, waits for analysis."""
    SENDING = "sending"
    """A snapshot is ready and waits for the object store."""


@attrs.frozen
class Crash:
    """What the operating system said about one crash, before any byte is analysed."""

    pid: int
    """Process id in the initial PID namespace."""
    signal: int
    """Signal number of the crashed system."""
    time: int
    """UTC nanoseconds; Linux's ``%t`` has a resolution of one second."""
    tid: int | None = None
    """Thread id in the initial PID namespace; None where the OS does not say."""
    uid: int | None = None
    gid: int | None = None
    dump_mode: int | None = None
    """Linux ``%d``: 1 = the user may have the core, 2 = root only."""
    core_limit: int | None = None
    """Soft RLIMIT_CORE in bytes."""
    executable: str | None = None
    """Path as the kernel tells it: process-chosen, for display only."""
    path: str | None = None
    """Path of the executable that chose the policy; None where nobody saw it."""
    command: str | None = None
    """Short process name: process-chosen, for display only."""
    hostname: str | None = None
    kind: str | None = None
    """What admission tells faults apart by: 16 hex digits, made before a core is read;
    None where nothing could be told."""
    suppressed: int | None = None
    """Crashes of this kind that were not archived since the last one that was."""
    archive_id: str | None = None
    """32 hex digits once the crash is in the spool."""
    core_path: str | None = None
    """File that the kernel wrote (FreeBSD), to be taken into the spool."""


@attrs.frozen
class Archive:
    """One crash on disk: what the spool holds for an id at this moment."""

    id: str
    """32 lower-case hex digits: random, or made from the bytes of an imported core."""
    stage: Stage
    application: str
    """Base name of the executable, "?" if the assets do not say."""
    time: int
    """UTC nanoseconds of the crash, else of the newest file."""
    has_core: bool
    """False also where there never was one: see ``is_record``."""
    has_snapshot: bool
    has_assets: bool
    size: int
    """Apparent bytes of the newest part: the snapshot, else the core, else the
    assets."""
    disk_size: int
    """Bytes that all parts occupy on disk (blocks, so holes are free)."""
    dumping: bool = False
    """The handler still works on it: there are assets, and more may come."""
    executable: str = ""
    """Path of the executable, by which its policy is chosen; empty if not known."""
    core_disk_size: int = 0
    """What of ``disk_size`` is the core."""

    @property
    def is_record(self) -> bool:
        """There is neither core nor snapshot: the assets are all that was kept."""
        return not (self.has_core or self.has_snapshot)

    @property
    def is_waiting(self) -> bool:
        """It has no snapshot, and nothing more will come to make one from."""
        return not (self.has_snapshot or self.dumping)
