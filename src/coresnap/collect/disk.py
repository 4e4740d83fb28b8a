"""The filesystem of the spool: what is free, and when less of a crash is kept."""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from coresnap.collect.spool import storage_error

__all__ = ["Disk", "read_disk"]


@attrs.frozen
class Disk:
    """A filesystem. Sizes are bytes."""

    path: str
    """Where it was asked; the nearest directory that there is."""
    size: int
    available: int
    """For who is not root."""
    used: int
    inodes: int
    """0 where they are not counted."""
    inodes_available: int
    quota: int
    """Percent of blocks and inodes below which less of a crash is kept."""

    @property
    def until_quota(self) -> int:
        """Bytes that may be written before less is kept; 0 or less: it is so now."""
        return self.available - self.size * self.quota // 100

    @property
    def inodes_until_quota(self) -> int | None:
        """The same for files; None where they are not counted."""
        if not self.inodes:
            return None
        return self.inodes_available - self.inodes * self.quota // 100

    @property
    def is_admitting(self) -> bool:
        """Whether there is room for whole cores by the quota."""
        inodes = self.inodes_until_quota
        return self.until_quota >= 0 and (inodes is None or inodes >= 0)


def read_disk(directory: Path, quota: int) -> Disk:
    """Ask for the filesystem of ``directory``. Raises AccessError or StorageError."""
    place = directory
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        found = os.statvfs(place)
    except OSError as error:
        raise storage_error(f"cannot ask for the space at {place}", error) from error
    return Disk(
        path=str(place),
        size=found.f_blocks * found.f_frsize,
        available=found.f_bavail * found.f_frsize,
        used=(found.f_blocks - found.f_bfree) * found.f_frsize,
        inodes=found.f_files,
        inodes_available=found.f_favail,
        quota=quota,
    )
