"""Titles of groups, made short enough to be read."""

from __future__ import annotations

from coresnap.snapshot.short_names import short_function

__all__ = ["short_title"]

_CALLED_BY = " ← "


def short_title(title: str) -> str:
    """Return ``program: frame ← frame`` with each frame's name as people write it."""
    program, colon, frames = title.partition(": ")
    if not colon:
        return short_function(title)
    names = (short_function(name) for name in frames.split(_CALLED_BY))
    return f"{program}{colon}{_CALLED_BY.join(names)}"
