"""A bad deploy: every host crashes again and again within seconds.

Most crashes are of one kind. One host crashes hundreds of times, and in the middle of
that once in a way that no other host has.
"""

from __future__ import annotations

from pathlib import Path

from fleet.fleet import Fleet, Way, running_fleet
from fleet.orders import Crash
from fleet.result import Result, Scale, conclude

__all__ = ["bad_deploy", "spread"]

_EVERYWHERE = (2, 1)
"""Kinds in the order in which each host crashes; 2 is the deploy's."""
_AGAIN = 100
"""Crashes of the deploy's kind on the first host, which restarts at once."""
_RARE = 7
_SECONDS = 4.0
"""In which all of them happen."""


def bad_deploy(directory: Path, scale: Scale) -> Result:
    """Let it happen, and look at the order in which the store learns of it."""
    with running_fleet(directory) as fleet:
        token = fleet.store.create_token("hosts").token
        spread(fleet, scale, Way(fleet.store.address, token))
        fleet.crash(_crashes(fleet.hosts, 10 if scale.is_short else _AGAIN))
        fleet.wait_until_ready()
        shown = fleet.store.shown_status()
        failures = [] if fleet.wait_until_sent() else [f"{fleet.waiting} still wait"]
        facts = {**_firsts(fleet), "`coroner status` meanwhile": _queue_line(shown)}
        return conclude(fleet, "a bad deploy, everywhere at once", facts, failures)


def spread(fleet: Fleet, scale: Scale, way: Way) -> None:
    """Make all the hosts, in all the sites."""
    names = [f"host-{number:03d}" for number in range(scale.hosts)]
    for number in range(scale.sites):
        fleet.add_site(number, names[number :: scale.sites], way)
    fleet.wait_until_ready()


def _crashes(hosts: list[str], again: int) -> list[Crash]:
    step = _SECONDS / len(_EVERYWHERE)
    crashes = [
        Crash(host, kind, turn * step + place / len(hosts) * step)
        for place, host in enumerate(hosts)
        for turn, kind in enumerate(_EVERYWHERE)
    ]
    storm = (Crash(hosts[0], 2, turn / again * _SECONDS) for turn in range(again))
    # In the middle of the storm, on the host that has it.
    return [*crashes, *storm, Crash(hosts[0], _RARE, _SECONDS * 0.6)]


def _firsts(fleet: Fleet) -> dict[str, str]:
    """At which place the store got the first of each kind, and the rare one."""
    ledger = fleet.ledger()
    kinds = {note.id: note.kind for note in ledger.left}
    came = [kinds[fault.object] for fault in fleet.store.faults()]
    begin = min(note.time for note in ledger.left)
    rare = next(note for note in ledger.left if note.kind == _RARE)
    known = ledger.acknowledged[rare.id]
    firsts = ", ".join(str(came.index(kind) + 1) for kind in sorted(set(came)))
    return {
        "places of the first of each kind": f"{firsts} of {len(came)}",
        "the rare kind": f"came as {came.index(_RARE) + 1} of {len(came)}, "
        f"{(known - rare.time) / 1e9:.1f} s after it happened, "
        f"{(known - begin) / 1e9:.1f} s after the first crash",
    }


def _queue_line(shown: str) -> str:
    return next((line[11:] for line in shown.splitlines() if "queue" in line), shown)
