"""What may be removed, and why: decided here, done elsewhere.

Nothing is removed that is the only trace of a crash, or the only crash of its kind, but
by its age; no core before its snapshot is safe. Everything here is a function of its
arguments: a clock that goes back makes crashes younger, and young ones stay.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from coresnap.collect.journal import Entry, State
from coresnap.collect.spool import Part
from coresnap.config import Config, Policy
from coresnap.crash import Archive
from coresnap.daemon.copies import Candidate, beyond_count, beyond_size
from coresnap.daemon.removal import EVERYTHING, Removal

__all__ = ["Removal", "decide_removals", "may_remove_core"]

_SECOND = 1_000_000_000
_Older = Callable[[int | None], bool]


def may_remove_core(archive: Archive, entry: Entry | None, config: Config) -> bool:
    """Say whether the core's snapshot makes the core superfluous.

    A core that failed a check, or that was cut, is kept for a person to look at.
    """
    policy = config.policy_for(archive.executable)
    if config.purge_disabled or policy.purge_core == "never":
        return False
    if not (archive.has_core and _is_safe(archive, entry)):
        return False
    assert entry is not None
    # Not even known, if the snapshot was found beside a new journal.
    checked = entry.detail.get("checks") == [] and not entry.detail.get("truncated")
    return bool(checked)


def decide_removals(
    archives: Iterable[Archive],
    entries: Mapping[str, Entry],
    config: Config,
    now: int,
    limit: int | None = None,
    *,
    is_sending: bool = False,
) -> Iterator[Removal]:
    """Yield what policy removes at ``now`` (UTC nanoseconds).

    ``limit`` is ``purge.size`` in bytes; ``is_sending`` says that snapshots go to a
    store, so that those that did not yet are the last to be removed. At most one
    removal of each archive is yielded, so what is left of it is looked at next time.
    """
    if config.purge_disabled:
        return
    candidate = functools.partial(Candidate, is_sending=is_sending)
    staying: list[Candidate] = []
    for archive in archives:
        entry = entries.get(archive.id)
        policy = config.policy_for(archive.executable)
        if may_remove_core(archive, entry, config):
            yield Removal(archive.id, (Part.CORE,), "its snapshot is safe")
            archive = attrs.evolve(
                archive,
                has_core=False,
                disk_size=archive.disk_size - archive.core_disk_size,
            )
            staying.append(candidate(archive, entry, policy, is_decided=True))
        elif (removal := _by_age(archive, entry, policy, now)) is not None:
            yield removal
            if Part.SNAPSHOT not in removal.parts and archive.has_snapshot:
                staying.append(candidate(archive, entry, policy, is_decided=True))
        else:
            staying.append(candidate(archive, entry, policy))
    surplus = list(beyond_count(staying))
    yield from surplus
    if limit is not None:
        gone = {removal.id for removal in surplus}
        rest = [one for one in staying if one.archive.id not in gone]
        yield from beyond_size(rest, limit)


def _by_age(
    archive: Archive, entry: Entry | None, policy: Policy, now: int
) -> Removal | None:
    """Return what goes of an archive because it is old."""
    age = now - max(archive.time, entry.arrived if entry is not None else 0)

    def is_older(limit: int | None) -> bool:
        return limit is not None and age > limit * _SECOND

    if archive.has_snapshot:
        return _of_analysed(archive, entry, policy, is_older)
    if entry is None or entry.state is not State.FAILED:
        return None
    if archive.is_record and is_older(policy.purge_assets_age):
        return Removal(archive.id, (Part.ASSETS,), "older than purge.assets.age")
    if archive.has_core and is_older(policy.purge_pending_age):
        parts = (Part.ASSETS, Part.CORE)
        return Removal(archive.id, parts, "older than purge.pending.age")
    return None


def _of_analysed(
    archive: Archive, entry: Entry | None, policy: Policy, is_older: _Older
) -> Removal | None:
    if is_older(policy.purge_sending_age):
        return Removal(archive.id, EVERYTHING, "older than purge.sending.age")
    if not _is_safe(archive, entry):
        return None
    assert entry is not None
    sent = entry.state is State.SENT and not archive.has_core
    if sent and is_older(policy.purge_sent_age):
        reason = "sent, and older than purge.sent.age"
        return Removal(archive.id, EVERYTHING, reason)
    if archive.has_core:
        # Its assets stay with it: both are needed to analyse it again.
        may_go = policy.purge_core != "never" and is_older(policy.purge_pending_age)
        reason = "older than purge.pending.age"
        return Removal(archive.id, (Part.CORE,), reason) if may_go else None
    reduced = entry.detail.get("assets") == "reduced" or not archive.has_assets
    if is_older(policy.purge_assets_age) and not reduced:
        return Removal(archive.id, (Part.ASSETS,), "older than purge.assets.age")
    return None


def _is_safe(archive: Archive, entry: Entry | None) -> bool:
    """Say whether there is a snapshot, and the journal knows that it is whole."""
    return archive.has_snapshot and entry is not None and entry.state.is_analysed
