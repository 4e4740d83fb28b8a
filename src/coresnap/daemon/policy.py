"""What may be removed, and why: decided here, done elsewhere.

Nothing is removed that is the only trace of a crash, but by its age; and no core
before its snapshot is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from coresnap.collect.journal import Entry, State
from coresnap.collect.spool import Part
from coresnap.config import Config
from coresnap.model import Archive

__all__ = ["Removal", "decide_removals", "may_remove_core"]

_SECOND = 1_000_000_000


@attrs.frozen
class Removal:
    """Parts of one archive that may go."""

    id: str
    parts: tuple[Part, ...]
    reason: str


def may_remove_core(archive: Archive, entry: Entry | None, config: Config) -> bool:
    """Say whether the core's snapshot makes the core superfluous.

    A core that failed a check, or that was cut, is kept for a person to look at.
    """
    if config.purge_disabled or config.purge_core == "never":
        return False
    if not (archive.has_core and archive.has_snapshot):
        return False
    if entry is None or entry.state is not State.READY:
        return False
    # Not even known, if the snapshot was found beside a new journal.
    checked = entry.detail.get("checks") == [] and not entry.detail.get("truncated")
    return bool(checked)


def decide_removals(
    archives: Iterable[Archive],
    entries: Mapping[str, Entry],
    config: Config,
    now: int,
) -> Iterator[Removal]:
    """Yield what policy removes at ``now`` (UTC nanoseconds)."""
    if config.purge_disabled:
        return
    for archive in archives:
        entry = entries.get(archive.id)
        if may_remove_core(archive, entry, config):
            yield Removal(archive.id, (Part.CORE,), "its snapshot is safe")
        elif archive.has_snapshot:
            if _is_older(archive, config.purge_sending_age, now):
                # The snapshot last: as long as it is there, there is an archive.
                everything = (Part.CORE, Part.ASSETS, Part.SNAPSHOT)
                yield Removal(archive.id, everything, "older than purge.sending.age")
        elif (
            entry is not None
            and entry.state is State.FAILED
            and _is_older(archive, config.purge_pending_age, now)
        ):
            parts = (Part.ASSETS, Part.CORE)
            yield Removal(archive.id, parts, "older than purge.pending.age")


def _is_older(archive: Archive, age: int | None, now: int) -> bool:
    return age is not None and now - archive.time > age * _SECOND
