"""The end: everything is compared with the ledger."""

from __future__ import annotations

from system.comparison import Seen, compare
from system.world import PROJECT, World

__all__ = ["comparing"]

_ATTRIBUTES = ("object", "application", "process.id", "timestamp")


def comparing(world: World) -> None:
    """Ask coresnap, coroner and the journal, and compare."""
    world.settle(180)
    selected = [f"--select={name}" for name in _ATTRIBUTES]
    said = world.coroner("list", PROJECT, *selected, "--limit=1000")
    faults = [
        dict(zip(said["columns"], r["values"], strict=True)) for r in said["rows"]
    ]
    archives = {archive["id"]: archive for archive in world.archives()}
    journal = world.guest.output("journalctl", "-o", "cat", "-u", "coresnapd")
    seen = Seen(archives, faults, journal, world.status())
    for text, is_met, what in compare(world.ledger, seen):
        world.expect(text, is_met, what)
