"""What was made to crash, against what coresnap, coroner and the journal say of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from system.ledger import Crash, Fate, Ledger

__all__ = ["Finding", "Seen", "compare"]

Finding = tuple[str, bool, str]
"""What has to be so, whether it is, and what was seen."""

_CLOCK = 60 * 10**9
"""Nanoseconds that a crash and its fault may differ: the kernel tells whole seconds,
and the ledger when the process was reaped, or its word was read."""


@attrs.frozen
class Seen:
    """What is known about crashes, from all who know."""

    archives: dict[str, dict[str, Any]]
    """By id: what ``coresnap list --json`` says."""
    faults: list[dict[str, Any]]
    """What ``coroner list --json`` says, ``timestamp`` in seconds."""
    journal: str
    """The messages of coresnapd in systemd's journal, of all boots."""
    status: dict[str, Any]
    """What ``coresnap status --json`` says."""


def compare(ledger: Ledger, seen: Seen) -> Iterator[Finding]:
    """Yield every comparison."""
    pairs = _pair(ledger, seen.faults)
    yield from _compare_store(ledger, seen, pairs)
    yield from _compare_spool(seen, pairs)
    yield from _compare_storms(ledger, seen)
    yield from _compare_counts(ledger, seen)


def _pair(
    ledger: Ledger, faults: Iterable[dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Find the fault of each crash that has to have one, by the crash's number."""
    left = defaultdict(list)
    for fault in faults:
        left[fault["application"]].append(fault)
    pairs = {}
    for number, crash in enumerate(ledger.crashes):
        fitting = [f for f in left[crash.program] if _fits(crash, f)]
        if crash.fate is Fate.STORED and fitting:
            pairs[number] = fitting[0]
            left[crash.program].remove(fitting[0])
    return pairs


def _fits(crash: Crash, fault: dict[str, Any]) -> bool:
    if crash.pid is not None and fault["process.id"] != crash.pid:
        return False
    return abs(int(fault["timestamp"]) * 10**9 - crash.time) < _CLOCK


def _compare_store(
    ledger: Ledger, seen: Seen, pairs: dict[int, dict[str, Any]]
) -> Iterator[Finding]:
    wanted = [
        (number, crash)
        for number, crash in enumerate(ledger.crashes)
        if crash.fate is Fate.STORED
    ]
    lost = [str(crash) for number, crash in wanted if number not in pairs]
    text = f"each of {len(wanted)} crashes has its fault in the store"
    yield text, not lost, ", ".join(lost)
    ids = [fault["object"] for fault in seen.faults]
    twice = [name for name, count in Counter(ids).items() if count > 1]
    yield "no fault is there twice", not twice, ", ".join(twice)
    known = {fault["object"] for fault in pairs.values()}
    other = {crash.program for crash in ledger.of(Fate.LESS, Fate.CUT, Fate.COUNTED)}
    foreign = [
        f"{fault['application']}[{fault['process.id']}]"
        for fault in seen.faults
        if fault["object"] not in known and fault["application"] not in other
    ]
    yield "none is there that nobody made", not foreign, ", ".join(foreign)


def _compare_spool(seen: Seen, pairs: dict[int, dict[str, Any]]) -> Iterator[Finding]:
    ids = {fault["object"]: fault["application"] for fault in pairs.values()}
    missing = [name for one, name in ids.items() if one not in seen.archives]
    yield "coresnap list has each under the same id", not missing, ", ".join(missing)
    unsent = [
        name
        for one, name in ids.items()
        if one in seen.archives
        and (seen.archives[one]["sending"] or {}).get("state") != "sent"
    ]
    yield "and says of each that it was sent", not unsent, ", ".join(unsent)
    silent = [name for one, name in ids.items() if one not in seen.journal]
    yield "systemd's journal names each id", not silent, ", ".join(silent)
    waiting = [
        archive["application"]
        for archive in seen.archives.values()
        if archive["core"] and not archive["snapshot"]
    ]
    yield "no core waits any more", not waiting, ", ".join(waiting)


def _compare_storms(ledger: Ledger, seen: Seen) -> Iterator[Finding]:
    for program, made in Counter(c.program for c in ledger.of(Fate.COUNTED)).items():
        archived = sum(a["application"] == program for a in seen.archives.values())
        kinds = seen.status["admission"]["kinds"]
        counted = sum(k["suppressed"] for k in kinds if k["application"] == program)
        text = f"of {made} crashes of {program} each is archived or counted"
        met = archived > 0 and archived + counted == made
        yield text, met, f"{archived} archived, {counted} counted"


def _compare_counts(ledger: Ledger, seen: Seen) -> Iterator[Finding]:
    counts = seen.status["admission"]
    # Whether the table of admission was on the disk before the reset, nobody promises.
    made, cut = len(ledger.crashes), sum(1 for _ in ledger.of(Fate.CUT))
    told = counts["archived"] + counts["suppressed"] + counts["refused"]
    met = made - cut <= counts["seen"] <= made and made - cut <= told <= made
    said = f"{made} made, {counts['seen']} seen, {told} accounted for"
    yield "coresnap status has counted every crash, and no other", met, said
    journal = seen.status["journal"]
    failed = [str(one) for one in [*journal["failed"], *journal["refused"]]]
    yield "none was given up, or refused by the store", not failed, ", ".join(failed)
