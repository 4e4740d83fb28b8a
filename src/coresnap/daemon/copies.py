"""Which of many crashes alike may go: by their number, and by the room they take.

Crashes are alike if they have the same fingerprint. One that has none, because it was
not analysed or the journal does not know, is like no other and stays.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import attrs

from coresnap.collect.journal import Entry, State
from coresnap.collect.spool import Part
from coresnap.config import Policy
from coresnap.crash import Archive
from coresnap.daemon.removal import EVERYTHING, Removal

__all__ = ["Candidate", "beyond_count", "beyond_size"]


@attrs.frozen
class Candidate:
    """An archive with all that policy looks at."""

    archive: Archive
    entry: Entry | None
    policy: Policy
    is_decided: bool = False
    """Something of it goes already, so that the rest stays for now."""
    is_sending: bool = False
    """There is a store that snapshots are sent to."""

    @property
    def awaits_store(self) -> bool:
        """Its snapshot is nowhere else yet."""
        ready = self.entry is not None and self.entry.state is State.READY
        return self.is_sending and ready

    @property
    def fingerprint(self) -> str | None:
        """What crashes alike have in common; None if it is not known."""
        entry = self.entry
        if entry is None or not entry.state.is_analysed:
            return None
        fingerprint = entry.detail.get("fingerprint")
        return fingerprint if self.archive.has_snapshot and fingerprint else None

    @property
    def order(self) -> tuple[int, str]:
        """Oldest first, and the same each time."""
        return self.archive.time, self.archive.id


def beyond_count(candidates: Iterable[Candidate]) -> Iterator[Removal]:
    """Yield what lies between ``keep.first`` and ``keep.last``, oldest first."""
    for alike in _groups(candidates).values():
        for place, one in enumerate(alike):
            if one.is_decided or _is_counted_on(one, place, len(alike)):
                continue
            if one.awaits_store:
                continue
            policy = one.policy
            if policy.keep_first or policy.keep_last:
                reason = (
                    f"crash {place + 1} of {len(alike)} alike, between keep.first and "
                    "keep.last"
                )
                yield Removal(one.archive.id, EVERYTHING, reason)


def beyond_size(candidates: Sequence[Candidate], limit: int) -> Iterator[Removal]:
    """Yield what goes until the archive takes ``limit`` bytes of disk.

    First cores that were kept beside a snapshot, then whole archives; of both the most
    repeated faults first, and of these the oldest. One of each kind stays, and so does
    what ``keep.first`` and ``keep.last`` count on. What was not sent yet goes last.
    """
    excess = sum(one.archive.disk_size for one in candidates) - limit
    groups = _groups(candidates)
    going: dict[str, tuple[Part, ...]] = {}
    for one in _most_repeated(groups):
        if excess > 0 and one.archive.has_core and one.policy.purge_core != "never":
            going[one.archive.id] = (Part.CORE,)
            excess -= one.archive.core_disk_size
    for one in sorted(_most_repeated(groups), key=lambda one: one.awaits_store):
        if excess > 0:
            without_core = one.archive.id in going
            going[one.archive.id] = EVERYTHING
            excess -= one.archive.disk_size
            excess += one.archive.core_disk_size if without_core else 0
    for archive_id, parts in going.items():
        yield Removal(archive_id, parts, "one of many alike, purge.size")


def _groups(candidates: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    """Return crashes alike, oldest first, by their fingerprint."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for one in sorted(candidates, key=lambda one: one.order):
        if (fingerprint := one.fingerprint) is not None:
            groups[fingerprint].append(one)
    return groups


def _is_counted_on(one: Candidate, place: int, count: int) -> bool:
    policy = one.policy
    return place < policy.keep_first or place >= count - policy.keep_last


def _most_repeated(groups: dict[str, list[Candidate]]) -> Iterator[Candidate]:
    """Yield copies that may go, each time of the kind that has most left.

    The newest of each kind is never yielded.
    """
    queue = []
    for fingerprint, alike in groups.items():
        spare = [
            one
            for place, one in enumerate(alike[:-1])
            if not one.is_decided and not _is_counted_on(one, place, len(alike))
        ]
        if spare:
            spare.reverse()
            queue.append((-len(alike), spare[-1].order, fingerprint, spare))
    heapq.heapify(queue)
    while queue:
        negative, _, fingerprint, spare = heapq.heappop(queue)
        yield spare.pop()
        if spare:
            heapq.heappush(queue, (negative + 1, spare[-1].order, fingerprint, spare))
