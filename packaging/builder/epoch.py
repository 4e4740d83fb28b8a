"""The time that everything built has, whenever it is built."""

from __future__ import annotations

import os

from builder.command import output_of
from builder.places import REPOSITORY

__all__ = ["source_epoch"]


def source_epoch() -> int:
    """Return SOURCE_DATE_EPOCH, or the time of the last commit: seconds UTC."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    return int(output_of(["git", "-C", REPOSITORY, "log", "-1", "--format=%ct"]))
