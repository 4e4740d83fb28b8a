"""The disk is full, and then there is room again."""

from __future__ import annotations

from system.ledger import Fate
from system.world import PROGRAMS, World

__all__ = ["full_disk"]

_FILLER = "/var/coresnap-filler"
_FILL = f"""\
set -- $(stat -f -c '%S %b %f' /var/coresnap)
fallocate -l $(($1 * ($3 - $2 * 4 / 100))) {_FILLER}
"""
"""Leaves four of a hundred blocks, where dump.quota wants ten."""


def full_disk(world: World) -> None:
    """Fill the disk, let a program crash, make room, let another one crash."""
    world.settle(120)
    before = world.status()
    world.guest.shell(_FILL)
    is_admitting = world.status()["disk"]["admitting"]
    world.expect("coresnap status says that the disk is full", not is_admitting)
    world.crash(f"{PROGRAMS}/crowded-out", fate=Fate.LESS)
    found = [a for a in world.archives() if a["application"] == "crowded-out"]
    refused = world.status()["admission"]["refused"] - before["admission"]["refused"]
    seen = f"{[a['rung'] for a in found]} archived, {refused} refused"
    less = len(found) == 1 and found[0]["rung"] != "full" and not refused
    met = less or (not found and refused == 1)
    world.expect("a crash leaves a record, or is refused and counted", met, seen)
    world.guest.output("rm", _FILLER)
    world.crash(f"{PROGRAMS}/room-again")
    world.expect("with room again the next one is whole", world.settle())
