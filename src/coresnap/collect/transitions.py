"""The states of an archive, and the events that lead from one to the next.

::

    arrived ──▶ WAITING ──started──▶ WORKING ──made, finished──▶ READY ──sent──▶ SENT
                   ▲                    │ broke, interrupted,      └──refused──▶ REFUSED
                   ├────────────────────┘ postponed
                   └──retried── FAILED ◀──gave up── WAITING, WORKING

An archive that is no longer in the spool is GONE. The record of a crash without a core
goes the same way as a core: its snapshot is made from what was kept of the process.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from coresnap.crash import Archive

__all__ = [
    "TRANSITIONS",
    "Entry",
    "Event",
    "Record",
    "State",
    "advance",
    "missing_events",
]

INTERRUPTION_LIMIT = 20
"""How often the daemon may die over one core before it is given up."""


class State(enum.StrEnum):
    """Where an archive stands."""

    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    """Its snapshot is safe in ``sending/``."""
    SENT = "sent"
    """The store has acknowledged its snapshot, which stays until policy removes it."""
    REFUSED = "refused"
    """The store will not have its snapshot, whenever it is asked."""
    FAILED = "failed"
    GONE = "gone"

    @property
    def is_analysed(self) -> bool:
        """There is a snapshot, and it is whole."""
        return self in (State.READY, State.SENT, State.REFUSED)


class Event(enum.StrEnum):
    """What happened to an archive."""

    ARRIVED = "arrived"
    STARTED = "started"
    MADE = "made"
    """The worker made a snapshot, which gets its name next; with what was found."""
    FINISHED = "finished"
    """The snapshot has its name and is on the disk."""
    BROKE = "broke"
    """The worker failed; it may be tried again."""
    INTERRUPTED = "interrupted"
    """The daemon ended while the worker ran."""
    POSTPONED = "postponed"
    """There was no room for the snapshot."""
    GAVE_UP = "gave-up"
    RETRIED = "retried"
    """Somebody asked for another try."""
    CORE_REMOVED = "core-removed"
    COMPRESSED = "compressed"
    """The core that stays takes less room, and is the same core."""
    ASSETS_REDUCED = "assets-reduced"
    """Only what the kernel said of the crash is left of what was kept beside it."""
    SENT = "sent"
    """The store has acknowledged the snapshot."""
    REFUSED = "refused"
    """The store will not have the snapshot, and says why."""
    SEND_ASKED = "send-asked"
    """Somebody wants it to be sent, again or at once."""
    VANISHED = "vanished"


TRANSITIONS: dict[tuple[State | None, Event], State] = {
    (None, Event.ARRIVED): State.WAITING,
    (State.GONE, Event.ARRIVED): State.WAITING,
    (State.WAITING, Event.STARTED): State.WORKING,
    (State.WAITING, Event.FINISHED): State.READY,
    (State.WORKING, Event.MADE): State.WORKING,
    (State.WORKING, Event.FINISHED): State.READY,
    (State.FAILED, Event.FINISHED): State.READY,
    (State.WORKING, Event.BROKE): State.WAITING,
    (State.WORKING, Event.INTERRUPTED): State.WAITING,
    (State.WORKING, Event.POSTPONED): State.WAITING,
    (State.WAITING, Event.GAVE_UP): State.FAILED,
    (State.WORKING, Event.GAVE_UP): State.FAILED,
    (State.FAILED, Event.RETRIED): State.WAITING,
    (State.WAITING, Event.RETRIED): State.WAITING,
    (State.FAILED, Event.COMPRESSED): State.FAILED,
    (State.READY, Event.SENT): State.SENT,
    (State.READY, Event.REFUSED): State.REFUSED,
    **{
        (state, event): after or state
        for state in State
        if state.is_analysed
        for event, after in (
            (Event.RETRIED, State.WAITING),
            (Event.SEND_ASKED, State.READY),
            (Event.CORE_REMOVED, None),
            (Event.COMPRESSED, None),
            (Event.ASSETS_REDUCED, None),
        )
    },
    **{(state, Event.VANISHED): State.GONE for state in State},
}
"""State and event to the next state; what is not here cannot happen."""


@attrs.frozen
class Entry:
    """Where one archive stands."""

    id: str
    state: State
    attempts: int
    """Workers that failed on it since it arrived or was retried."""
    interruptions: int
    """Times that the daemon ended while it was worked on."""
    arrived: int
    """UTC nanoseconds."""
    changed: int
    """UTC nanoseconds."""
    detail: dict[str, Any]
    """What the last event said: ``reason``, ``seconds``, ``checks``, …"""


@attrs.frozen
class Record:
    """One line of the journal."""

    time: int
    """UTC nanoseconds."""
    id: str
    event: Event
    state: State
    detail: dict[str, Any]


def missing_events(
    archive: Archive, entry: Entry | None
) -> Iterator[tuple[Event, dict[str, object]]]:
    """Yield what must have happened for the spool to look as it does.

    What is still being dumped has not arrived yet.
    """
    if archive.dumping:
        return
    state = entry.state if entry is not None else None
    if state is None or state is State.GONE:
        yield Event.ARRIVED, {}
        state = State.WAITING
    if archive.has_snapshot and not state.is_analysed:
        made = entry.detail if entry is not None and state is State.WORKING else {}
        yield Event.FINISHED, {**made, "recovered": True}
    elif state.is_analysed and not archive.has_snapshot:
        yield Event.RETRIED, {"reason": "the snapshot is gone"}
    elif state is State.WORKING:
        assert entry is not None
        if entry.interruptions >= INTERRUPTION_LIMIT:
            reason = f"the daemon died over it {entry.interruptions + 1} times"
            yield Event.GAVE_UP, {"reason": reason}
        else:
            yield Event.INTERRUPTED, {}


def advance(
    before: Entry | None, archive_id: str, event: Event, detail: Mapping[str, object]
) -> Entry:
    """Return where an archive stands after ``event``; ValueError for a bug of ours."""
    state = before.state if before is not None else None
    if (state, event) not in TRANSITIONS:
        raise ValueError(f"{event} cannot happen to {archive_id}, which is {state}")
    now = time.time_ns()
    fresh = before is None or event in (Event.ARRIVED, Event.RETRIED)
    attempts = 0 if fresh or before is None else before.attempts
    interruptions = 0 if fresh or before is None else before.interruptions
    return Entry(
        id=archive_id,
        state=TRANSITIONS[state, event],
        attempts=attempts + (event in (Event.BROKE, Event.GAVE_UP)),
        interruptions=interruptions + (event is Event.INTERRUPTED),
        arrived=now if before is None else before.arrived,
        changed=now,
        detail=dict(detail),
    )
