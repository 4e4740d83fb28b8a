"""What the journal counts for ever: a number for each kind of thing that happened.

Entries and events of archives that are gone are forgotten one day; these numbers only
grow, which is what a monitor takes rates of. They are written in the transaction of the
event itself, so none is counted twice or lost.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from coresnap.collect.transitions import Event

__all__ = ["PARKED_BUCKETS", "RUNGS", "TOTAL_SCHEMA", "add_totals", "parked_seconds"]

TOTAL_SCHEMA = """
CREATE TABLE total (
    topic TEXT NOT NULL,
    label TEXT NOT NULL,
    amount REAL NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (topic, label)
);
INSERT INTO total SELECT 'event', event, count(*), max(time) FROM event GROUP BY event;
"""
"""``topic`` is one of event, rung, worker, parked; ``last`` is UTC nanoseconds. A
journal from before this table begins with the events that it remembers."""

PARKED_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
"""Upper bounds in seconds; what was held for longer is in ``inf``."""
RUNGS = ("full", "stacks", "notes", "record")
"""What may be kept of a crash; any other word is counted as ``other``: it comes from
a process that has read a core."""
_WORKERS = ("hopeless", "broke", "no-room")

_ADD = """
INSERT INTO total VALUES (?, ?, ?, ?) ON CONFLICT (topic, label)
DO UPDATE SET amount = amount + excluded.amount, last = max(last, excluded.last)
"""


def add_totals(
    database: sqlite3.Connection,
    archive_id: str,
    event: Event,
    detail: Mapping[str, Any],
    now: int,
) -> None:
    """Count an event that is not yet in the journal, within its transaction."""
    is_first = event is Event.FINISHED and not _was_finished(database, archive_id)
    for topic, label, amount in _additions(event, detail, is_first=is_first):
        database.execute(_ADD, (topic, label, amount, now))


def _was_finished(database: sqlite3.Connection, archive_id: str) -> bool:
    query = "SELECT 1 FROM event WHERE id = ? AND event = ? LIMIT 1"
    row = database.execute(query, (archive_id, Event.FINISHED)).fetchone()
    return row is not None


def _additions(
    event: Event, detail: Mapping[str, Any], *, is_first: bool
) -> Iterator[tuple[str, str, float]]:
    yield "event", event, 1
    verdict = detail.get("verdict")
    if verdict in _WORKERS:
        yield "worker", str(verdict), 1
    if event is Event.FINISHED:
        yield "worker", "done", 1
    if not is_first:
        return  # a crash that is analysed again was kept, and held, once
    if rung := detail.get("rung"):
        yield "rung", rung if rung in RUNGS else "other", 1
    if (seconds := parked_seconds(detail.get("parked"))) is not None:
        bound = next((b for b in PARKED_BUCKETS if seconds <= b), math.inf)
        yield "parked", f"{bound:g}", 1
        yield "parked", "sum", seconds


def parked_seconds(value: object) -> float | None:
    """Return ``value`` if it is a time that a process can have been held."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value < math.inf else None
    return None
