"""The console's pages, as tests and pictures go through them."""

from __future__ import annotations

import attrs

from views.web.fleet import HOSTILE, PROJECT, SIMPLE, group_of

__all__ = ["FACES", "Face"]


@attrs.frozen
class Face:
    """One page: its name, where it is, and what it shows of the fleet's faults."""

    name: str
    path: str
    shows: str
    """Text that stands there for everybody."""
    is_public: bool = False
    hostile: str = ""
    """The path at which it shows the hostile program's fault; empty for none."""


FACES = (
    Face("login", "/login", "With a password", is_public=True),
    Face("projects", "/", "blackhole", hostile="/"),
    Face(
        "groups",
        f"{PROJECT}/groups",
        "route::Table::insert",
        hostile=f"{PROJECT}/groups",
    ),
)
