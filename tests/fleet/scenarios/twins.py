"""Clones: hosts with the same name and machine-id, and with the same spool."""

from __future__ import annotations

from pathlib import Path

from fleet.fleet import Fleet, Way, running_fleet
from fleet.orders import Crash
from fleet.result import Result, Scale, conclude

__all__ = ["twins"]


def twins(directory: Path, scale: Scale) -> Result:
    """Clone hosts with snapshots that wait, and let both send at once."""
    with running_fleet(directory) as fleet:
        way = Way(fleet.store.address, fleet.store.create_token("hosts").token)
        names = [f"vm-{number}" for number in range(scale.few)]
        originals = fleet.add_site(0, names, way, is_started=False)
        fleet.wait_until_ready()
        fleet.crash(Crash(host, kind) for host in names for kind in (0, 1))
        fleet.wait_until_ready()
        shared = fleet.ledger().ids
        clones = fleet.add_clones(1, originals, way)
        fleet.wait_until_ready()
        fleet.restart(names)
        # They have their own crashes, too, whose ids only look like those of one host.
        fleet.crash(Crash(host, 2, 0.5) for host in names)
        fleet.wait_until_ready()
        failures = [] if fleet.wait_until_sent() else [f"{fleet.waiting} still wait"]
        assert {h.name for h in clones.hosts} == {h.name for h in originals.hosts}
        facts = {
            "snapshots of both of two clones": _twice(fleet, shared, failures),
            "their own": _own(fleet, shared),
        }
        return conclude(fleet, "hosts that are clones", facts, failures)


def _twice(fleet: Fleet, shared: set[str], failures: list[str]) -> str:
    taken = [n for n in fleet.ledger().taken if n.id in shared and n.outcome == "sent"]
    stored = [f for f in fleet.store.faults() if f.object in shared]
    if len(taken) != 2 * len(shared):
        failures.append(f"{len(taken)} acknowledgements, not {2 * len(shared)}")
    answers = sum(note.stored == "before" for note in taken)
    return (
        f"{len(shared)}, acknowledged {len(taken)} times ({answers} without being sent "
        f"again), {len(stored)} faults"
    )


def _own(fleet: Fleet, shared: set[str]) -> str:
    own = [fault for fault in fleet.store.faults() if fault.object not in shared]
    return f"{len(own)} faults"
