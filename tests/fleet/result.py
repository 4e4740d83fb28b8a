"""What came of one scenario."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import attrs

from fleet.fleet import Fleet
from fleet.ledger import read_ledger
from fleet.store import StoredFault

__all__ = ["Result", "Scale", "conclude"]


@attrs.frozen
class Scale:
    """How large a run is."""

    sites: int
    hosts: int
    """Of the scenarios with all hosts; the others take a few of each sort."""
    few: int
    """Hosts of a sort."""
    outage: float
    """Seconds that the store is down."""
    is_short: bool = False


@attrs.frozen
class Result:
    """A scenario's row of the table, and what does not fit into one."""

    scenario: str
    hosts: int
    made: int
    stored: int
    lost: int
    doubled: int
    """Faults that nobody made, or that a group counted more than once."""
    seconds: float
    """From the first crash to the last acknowledgement."""
    median: float
    """Seconds from a snapshot to its acknowledgement."""
    slowest: float
    tries: int
    """Parcels that were given to senders."""
    queue: int
    """The longest queue that the store's status showed."""
    queue_age: int
    """The highest age of its first entry, in seconds."""
    connections: float
    """The most that the store accepted in a second."""
    store_memory: int
    """Bytes, the most; the same of all hosts."""
    hosts_memory: int
    facts: dict[str, str]
    """What was looked at, and what was seen."""
    failures: list[str]
    """What is not as it should be."""


def conclude(
    fleet: Fleet,
    scenario: str,
    facts: dict[str, str],
    failures: list[str],
    *,
    refused: int = 0,
) -> Result:
    """Compare what was made with what the store has, and add it up.

    ``refused`` is how many the store was right not to take.
    """
    fleet.note_memory()
    fleet.wait_until_indexed()
    ledger, stored = fleet.ledger(), fleet.store.faults()
    ids = {fault.object for fault in stored}
    lost, foreign = ledger.lost(stored), ledger.foreign(stored)
    doubled = len(foreign) + len(stored) - len(ids)
    doubled += abs(fleet.store.counted() - len(stored))
    indexed = fleet.store.indexed()
    failures = [
        *failures,
        *_unless(len(lost) == refused, f"{len(lost)} are not in the store"),
        *ledger.refusals(),
        *_unless(doubled == 0, f"{doubled} are in the store and should not be"),
        *_unless(indexed == len(stored), f"the index has {indexed} of {len(stored)}"),
        *_disorder(fleet, stored),
    ]
    times = ledger.seconds() or [0.0]
    sent = [note.time for note in ledger.taken if note.outcome == "sent"]
    first = min((note.time for note in ledger.left), default=0)
    return Result(
        scenario,
        hosts=len(fleet.hosts),
        made=len(ledger.ids),
        stored=len(ids),
        lost=len(lost) - refused,
        doubled=doubled,
        seconds=(max(sent, default=first) - first) / 1e9,
        median=statistics.median(times),
        slowest=times[-1],
        tries=len(ledger.given),
        queue=fleet.watch.most_queued,
        queue_age=fleet.watch.oldest,
        connections=fleet.watch.most_connections(),
        store_memory=fleet.watch.most_memory,
        hosts_memory=fleet.memory,
        facts=facts,
        failures=failures,
    )


def _disorder(fleet: Fleet, stored: Sequence[StoredFault]) -> list[str]:
    """Say what came in another order; site by site, as clones share their names."""
    failures = []
    for site in fleet.sites:
        ledger = read_ledger([site.ledger])
        failures += [f"order: {text}" for text in ledger.out_of_order()[:5]]
        otherwise = ledger.arrived_otherwise(stored)
        failures += [f"the store got them otherwise: {host}" for host in otherwise]
    return failures


def _unless(holds: bool, text: str) -> list[str]:
    return [] if holds else [text]
