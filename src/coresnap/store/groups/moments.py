"""Times as they stand in histories."""

from __future__ import annotations

import datetime

__all__ = ["moment"]


def moment(seconds: int) -> str:
    """Return a time as ``2026-11-25 21:14:03 UTC``."""
    time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
