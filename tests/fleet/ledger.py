"""What was made, what was tried, and what the store has of it."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs
import msgspec

from fleet.orders import Given, Left, Note, Said, Taken
from fleet.store import StoredFault

_Sending = Left | Given | Taken

__all__ = ["Ledger", "peak_rate", "read_ledger"]


@attrs.frozen
class Ledger:
    """The notes of all sites, in their order."""

    left: tuple[Left, ...]
    given: tuple[Given, ...]
    taken: tuple[Taken, ...]
    said: tuple[Said, ...]

    @property
    def acknowledged(self) -> dict[str, int]:
        """When the store acknowledged what it has, by id."""
        return {n.id: n.time for n in self.taken if n.outcome == "sent"}

    @property
    def ids(self) -> set[str]:
        """Of all snapshots that were made."""
        return {note.id for note in self.left}

    def lost(self, stored: Sequence[StoredFault]) -> set[str]:
        """What was made and the store does not have."""
        return self.ids - {fault.object for fault in stored}

    def foreign(self, stored: Sequence[StoredFault]) -> set[str]:
        """What the store has and nobody made."""
        return {fault.object for fault in stored} - self.ids

    def refusals(self) -> list[str]:
        """Say why snapshots were refused, or senders died: nothing here deserves it."""
        outcomes = ("refused", "died")
        found = Counter(n.reason for n in self.taken if n.outcome in outcomes)
        return [f"{count} times: {reason}" for reason, count in found.items()]

    def seconds(self, hosts: Iterable[str] | None = None) -> list[float]:
        """From a snapshot to its acknowledgement, sorted; of all hosts, or some."""
        names = None if hosts is None else set(hosts)
        left = {note.id: note for note in self.left}
        return sorted(
            (note.time - left[note.id].time) / 1e9
            for note in self.taken
            if note.outcome == "sent"
            and note.id in left
            and (names is None or note.host in names)
        )

    def out_of_order(self) -> list[str]:
        """Say where a host sent one more of a kind while it had a new kind.

        New is what this host's daemon has not sent before. What had just been left when
        the other one was given away does not count: the daemon may have looked before.
        """
        found = []
        by_host: defaultdict[str, list[_Sending]] = defaultdict(list)
        notes: list[_Sending] = [*self.left, *self.given, *self.taken]
        for note in sorted(notes, key=lambda note: note.time):
            by_host[note.host].append(note)
        for host, notes in by_host.items():
            found += [f"{host}: {text}" for text in _disorder(notes)]
        return found

    def arrived_otherwise(self, stored: Sequence[StoredFault]) -> list[str]:
        """Name hosts whose snapshots the store has in another order than they sent.

        What it had before they did says nothing: a clone sent it, or a try whose answer
        was lost.
        """
        place = {fault.object: fault.sequence for fault in stored}
        sent: defaultdict[str, list[str]] = defaultdict(list)
        for note in self.taken:
            if note.outcome == "sent" and note.stored != "before":
                sent[note.host].append(note.id)
        return [
            host
            for host, ids in sent.items()
            if [place[i] for i in ids if i in place]
            != sorted(place[i] for i in ids if i in place)
        ]


def _disorder(notes: Iterable[_Sending]) -> Iterable[str]:
    waiting: dict[str, Left] = {}
    sent: set[str] = set()
    for note in notes:
        if isinstance(note, Left):
            waiting[note.id] = note
        elif isinstance(note, Given) and note.id in waiting:
            given = waiting[note.id]
            new = [w for w in waiting.values() if w.fingerprint not in sent]
            sure = [w for w in new if w.is_sure]
            if given not in new and new:
                yield f"kind {given.kind} once more, while kind {new[0].kind} waited"
            elif given not in sure and sure:
                yield f"kind {given.kind} before kind {sure[0].kind}, which is sure"
        elif isinstance(note, Taken) and note.outcome == "sent" and note.id in waiting:
            sent.add(waiting.pop(note.id).fingerprint)


def peak_rate(times: Iterable[int], seconds: float = 1.0) -> int:
    """Return how many of some moments (ns) lie within the busiest span."""
    ordered, most = sorted(times), 0
    first = 0
    for last, time in enumerate(ordered):
        while time - ordered[first] > seconds * 1e9:
            first += 1
        most = max(most, last - first + 1)
    return most


def read_ledger(paths: Iterable[Path]) -> Ledger:
    """Read the notes of some sites. A last line that was cut off is nothing."""
    notes: list[Note] = []
    for path in paths:
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                notes.append(msgspec.json.decode(line, type=Note))
    notes.sort(key=lambda note: note.time)
    kinds = {
        kind: tuple(group)
        for kind, group in itertools.groupby(
            sorted(notes, key=lambda note: type(note).__name__), key=type
        )
    }
    return Ledger(
        kinds.get(Left, ()),  # type: ignore[arg-type]
        kinds.get(Given, ()),  # type: ignore[arg-type]
        kinds.get(Taken, ()),  # type: ignore[arg-type]
        kinds.get(Said, ()),  # type: ignore[arg-type]
    )
