"""The parts of an archive: the spool's directories, and what may stand in them."""

from __future__ import annotations

import contextlib
import enum
import fcntl
import os
import re
import secrets
import stat
from pathlib import Path

import attrs

__all__ = [
    "ID",
    "Held",
    "Part",
    "Usage",
    "create_spool",
    "is_plain",
    "make_id",
    "own",
    "share",
]

ID = re.compile(r"[0-9a-f]{32}")
"""The name of a part: its archive's id."""


class Part(enum.StrEnum):
    """What a file of an archive is, by the directory it is in."""

    CORE = "pending"
    ASSETS = "assets"
    SNAPSHOT = "sending"


@attrs.frozen
class Usage:
    """What one directory of the spool holds."""

    objects: int
    size: int
    """Apparent bytes."""
    disk_size: int
    """Bytes on disk."""


@attrs.frozen
class Held:
    """Processes that have crashed and wait for their dump."""

    count: int = 0
    since: int | None = None
    """When the first of their dumps began: UTC nanoseconds; None if there is none."""


def make_id() -> str:
    """Return a new archive id: 128 random bits, never derived from the process."""
    return secrets.token_hex(16)


def create_spool(directory: Path) -> None:
    """Create the directories of a spool for the calling user alone."""
    for part in Part:
        (directory / part).mkdir(mode=0o700, parents=True, exist_ok=True)


def is_plain(status: os.stat_result) -> bool:
    """Say whether this is a file with one name, as everything of ours is."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def share(fd: int) -> bool:
    """Hold an open part against eviction; False if its writer still has it.

    The lock is gone when the descriptor is closed. A filesystem without locks counts
    as one where nobody holds any.
    """
    return _lock(fd, fcntl.LOCK_SH)


def own(fd: int) -> bool:
    """Hold an open part alone; False if anybody else has it."""
    return _lock(fd, fcntl.LOCK_EX)


def _lock(fd: int, kind: int) -> bool:
    # flock(2) belongs to the open file, so it also tells our own descriptors apart.
    with contextlib.suppress(OSError):
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
