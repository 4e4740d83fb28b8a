"""What policy takes of an archive."""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from coresnap.collect.spool import Part
from coresnap.config import Share

__all__ = ["EVERYTHING", "Removal", "size_limit"]

EVERYTHING = (Part.CORE, Part.ASSETS, Part.SNAPSHOT)
"""The snapshot last: as long as it is there, there is an archive."""


@attrs.frozen
class Removal:
    """Parts of one archive that may go, in this order.

    Assets that go beside a snapshot that stays are reduced to what the kernel said.
    """

    id: str
    parts: tuple[Part, ...]
    reason: str


def size_limit(limit: int | Share | None, place: Path) -> int | None:
    """Return ``purge.size`` in bytes of the filesystem that ``place`` is on."""
    if not isinstance(limit, Share):
        return limit
    status = os.statvfs(place)
    return status.f_blocks * status.f_frsize * limit.percent // 100
