"""Which cores in the drop directories are complete, and not yet handed on.

devd's event comes when a core is complete. It may never come: nobody listened, the
event was too long, or the kernel wrote nothing into the file. So the directories are
looked through now and then, and a file that does not change any more is one that
nobody writes. Who takes it still compares its size with what its headers promise.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import attrs

from coresnap.backends.freebsd_drops import DroppedFile
from coresnap.backends.freebsd_event import CoredumpEvent

__all__ = ["LOOK_SECONDS", "SETTLE_SECONDS", "Arrival", "Arrivals"]

LOOK_SECONDS = 60.0
"""Between two looks while nothing is going on."""
SETTLE_SECONDS = 30.0
"""How long a file of which no event told must stay as it is."""
_AGAIN_SECONDS = 300.0
"""After which a core that is still there is handed on again: it found no room."""
_EVENTS_LIMIT = 1000

_State = tuple[int, int, int, int]
"""Device, inode, size and time of change: equal means untouched."""


@attrs.frozen
class Arrival:
    """A complete core, and the event that told of it if one did."""

    file: DroppedFile
    event: CoredumpEvent | None


@attrs.define
class _Watched:
    state: _State
    since: float
    """When it was first seen so."""
    event: CoredumpEvent | None = None
    given: float | None = None
    """When it was handed on."""


@attrs.define
class Arrivals:
    """Remembers between two looks what was seen; times are of ``clock``, monotonic."""

    clock: Callable[[], float] = time.monotonic
    _watched: dict[tuple[str, str], _Watched] = attrs.field(factory=dict)
    _events: dict[str, CoredumpEvent] = attrs.field(factory=dict)
    """By base name: the kernel's path is one inside a jail, and before 15 no event says
    of which."""

    def note(self, event: CoredumpEvent) -> None:
        """Remember that the core of ``event`` is complete."""
        name = os.fsdecode(event.core).rpartition("/")[2]
        self._events[name] = event
        while len(self._events) > _EVENTS_LIMIT:
            del self._events[next(iter(self._events))]

    @property
    def told(self) -> list[str]:
        """Base names of the cores that were told of since the last look."""
        return list(self._events)

    def look(self, files: list[DroppedFile]) -> Iterator[Arrival]:
        """Yield what is complete of all the files that there are."""
        now = self.clock()
        seen: dict[tuple[str, str], _Watched] = {}
        for file in files:
            if file.is_planted:
                continue
            key = file.place, file.name
            watched = seen[key] = self._watch(self._watched.get(key), file, now)
            if _is_complete(file, watched, now):
                watched.given = now
                yield Arrival(file, watched.event)
        self._watched = seen
        self._events.clear()

    def _watch(
        self, before: _Watched | None, file: DroppedFile, now: float
    ) -> _Watched:
        state = file.device, file.inode, file.size, file.modified
        watched = before
        if watched is None or watched.state != state:
            watched = _Watched(state, now)
        if (event := self._events.get(file.name)) is not None and _fits(event, file):
            watched.event = event
        return watched

    @property
    def wakes_in(self) -> float:
        """Seconds until the next look may find something new."""
        now = self.clock()
        waits = [
            (w.since + SETTLE_SECONDS if w.given is None else w.given + _AGAIN_SECONDS)
            for w in self._watched.values()
        ]
        return max(1.0, min([LOOK_SECONDS, *(wait - now for wait in waits)]))


def _fits(event: CoredumpEvent, file: DroppedFile) -> bool:
    """Say whether the event may be of this file.

    With %I in a pattern the event names the last slot, whichever was written (13.2 and
    main, corefile_open_last): the pid tells, where both say one.
    """
    if event.jid is not None and event.jid != file.jid:
        return False
    told = file.told
    return event.pid is None or told is None or event.pid == told[0]


def _is_complete(file: DroppedFile, watched: _Watched, now: float) -> bool:
    if watched.given is not None:
        return now >= watched.given + _AGAIN_SECONDS
    if watched.event is not None and file.size > 0:
        return True
    return now >= watched.since + SETTLE_SECONDS
