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
    Face("group", f"{PROJECT}/groups/{group_of(1)}", "route::reload"),
    Face(
        "fault",
        f"{PROJECT}/faults/{SIMPLE}",
        "program",
        hostile=f"{PROJECT}/faults/{HOSTILE}",
    ),
    Face(
        "explore",
        f"{PROJECT}/explore?group=application&fold=histogram:hostname",
        "billing",
        hostile=f"{PROJECT}/explore",
    ),
    Face("flame", f"{PROJECT}/flame", "Flame graph of"),
    Face(
        "versions",
        f"{PROJECT}/versions?version=2.4.0",
        "New in 2.4.0",
        hostile=f"{PROJECT}/versions",
    ),
    Face("symbols", f"{PROJECT}/symbols", "Missing"),
    Face("saved", f"{PROJECT}/saved", "Saved views"),
    Face("integrations", f"{PROJECT}/admin/integrations", "Nobody is told"),
    Face("retention", f"{PROJECT}/admin/retention", "What holds"),
    Face("sampling", f"{PROJECT}/admin/sampling", "What holds"),
    Face("scrubbing", f"{PROJECT}/admin/scrubbing", "Built in"),
    Face("tokens", f"{PROJECT}/admin/tokens", "Make a token"),
    Face("users", f"{PROJECT}/admin/users", "Make a user"),
    Face("audit", f"{PROJECT}/admin/audit", "Audit log"),
    Face("status", "/status", "Free"),
)
