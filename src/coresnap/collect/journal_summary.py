"""What the journal says of all archives together, read in one look.

Of an entry's detail only what is counted is decoded: 10⁵ entries are a matter of
tenths of a second.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import msgspec

from coresnap.collect.journal import reading
from coresnap.collect.journal_totals import parked_seconds
from coresnap.collect.transitions import Event, State

__all__ = ["Failure", "JournalSummary", "Parked", "StateSummary", "read_summary"]

_FAILURES = 100
_NEWEST = 200
"""Entries among which the last worker's confinement is looked for."""


@attrs.frozen
class StateSummary:
    """The archives in one state."""

    count: int = 0
    oldest: int | None = None
    """When the first of them arrived: UTC nanoseconds; None if there is none."""


@attrs.frozen
class Failure:
    """An archive that was given up, or that the store refuses."""

    id: str
    reason: str
    changed: int
    """UTC nanoseconds."""


@attrs.frozen
class Parked:
    """How long crashed processes were held, of the archives that are there: seconds.

    All but ``count`` are None if no archive says.
    """

    count: int = 0
    median: float | None = None
    p95: float | None = None
    longest: float | None = None


@attrs.frozen
class JournalSummary:
    """The journal in numbers."""

    states: dict[State, StateSummary]
    """Every state but ``gone``."""
    failed: tuple[Failure, ...]
    """Given up, the newest last; at most the last hundred."""
    refused: tuple[Failure, ...]
    """By the store; so again."""
    rungs: dict[str, int]
    """Rung to archives, most first."""
    parked: Parked
    confinement: list[str] | None
    """What the last worker could take from itself; None if none is known."""
    totals: dict[str, dict[str, float]]
    """Topic to label to amount, since the journal began (``journal_totals``)."""
    last: dict[Event, int]
    """Event to when it last happened, UTC nanoseconds."""

    @property
    def last_crash(self) -> int | None:
        """When the last archive arrived, UTC nanoseconds."""
        return self.last.get(Event.ARRIVED)

    @property
    def last_sent(self) -> int | None:
        """When the store last acknowledged a snapshot, UTC nanoseconds."""
        return self.last.get(Event.SENT)


def read_summary(path: Path) -> JournalSummary:
    """Read the journal at ``path``, without being its writer.

    Raises MissingError if there is none, AccessError or StorageError.
    """
    with reading(path) as database:
        totals, last = _totals(database)
        states, rungs, parked = _entries(database)
        return JournalSummary(
            states=states,
            failed=_failures(database, State.FAILED),
            refused=_failures(database, State.REFUSED),
            rungs=rungs,
            parked=parked,
            confinement=_confinement(database),
            totals=totals,
            last=last,
        )


def _entries(
    database: sqlite3.Connection,
) -> tuple[dict[State, StateSummary], dict[str, int], Parked]:
    rows = database.execute(
        "SELECT state, arrived, detail FROM entry WHERE state != 'gone'"
    )
    counts: Counter[str] = Counter()
    oldest: dict[str, int] = {}
    rungs: Counter[str] = Counter()
    parked: list[float] = []
    for state, arrived, text in rows:
        counts[state] += 1
        oldest[state] = min(arrived, oldest.get(state, arrived))
        detail = _counted(text)
        if detail.rung:
            rungs[str(detail.rung)] += 1
        if (seconds := parked_seconds(detail.parked)) is not None:
            parked.append(seconds)
    states: dict[State, StateSummary] = {
        s: StateSummary(counts[s], oldest.get(s)) for s in State if s is not State.GONE
    }
    return states, dict(rungs.most_common()), _parked(parked)


class _Counted(msgspec.Struct):
    """What of a detail is counted; anything may stand there."""

    rung: object = None
    parked: object = None


_DECODER = msgspec.json.Decoder(_Counted)


def _counted(text: str) -> _Counted:
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        return _Counted()  # NaN, which Python writes, is no JSON


def _parked(seconds: Iterable[float]) -> Parked:
    ordered = sorted(seconds)
    if not ordered:
        return Parked()
    middle = len(ordered) // 2
    median = (ordered[middle] + ordered[~middle]) / 2
    # The nearest rank: a time that a process was held for.
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Parked(len(ordered), median, p95, ordered[-1])


def _failures(database: sqlite3.Connection, state: State) -> tuple[Failure, ...]:
    rows = database.execute(
        "SELECT id, detail, changed FROM entry WHERE state = ?"
        " ORDER BY changed DESC LIMIT ?",
        (state, _FAILURES),
    )
    found = [
        Failure(name, str(json.loads(detail).get("reason", "?")), changed)
        for name, detail, changed in rows
    ]
    return tuple(reversed(found))


def _confinement(database: sqlite3.Connection) -> list[str] | None:
    rows = database.execute(
        "SELECT detail FROM entry WHERE state != 'gone' ORDER BY changed DESC LIMIT ?",
        (_NEWEST,),
    )
    details: Iterable[dict[str, Any]] = (json.loads(detail) for (detail,) in rows)
    return next((d["confinement"] for d in details if "confinement" in d), None)


def _totals(
    database: sqlite3.Connection,
) -> tuple[dict[str, dict[str, float]], dict[Event, int]]:
    totals: dict[str, dict[str, float]] = {}
    last: dict[Event, int] = {}
    try:
        rows = database.execute("SELECT topic, label, amount, last FROM total")
    except sqlite3.OperationalError:
        return totals, last  # no daemon that counts has opened this journal yet
    for topic, label, amount, when in rows:
        totals.setdefault(topic, {})[label] = amount
        if topic == "event" and label in list(Event):
            last[Event(label)] = when
    return totals, last
