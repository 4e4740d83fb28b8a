"""What policy takes of an archive, and taking it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from coresnap.collect.journal import Entry, Event, Journal
from coresnap.collect.reduction import reduce_assets
from coresnap.collect.spool import Part, Spool
from coresnap.config import Share
from coresnap.model.message_id import MessageId

if TYPE_CHECKING:
    from coresnap.daemon.log import Log

__all__ = ["EVERYTHING", "Removal", "Remover", "size_limit"]

EVERYTHING = (Part.CORE, Part.ASSETS, Part.SNAPSHOT)
"""The snapshot last: as long as it is there, there is an archive."""


@attrs.frozen
class Removal:
    """Parts of one archive that may go, in this order.

    Assets that go beside a snapshot that stays are reduced to what the kernel said.
    """

    id: str
    parts: tuple[Part, ...]
    reason: str


@attrs.frozen
class Remover:
    """Takes out of the spool what a removal says; the journal and the log tell it."""

    spool: Spool
    journal: Journal
    log: Log

    def apply(self, removal: Removal, entry: Entry | None) -> None:
        """Remove the parts, unless somebody reads them; ``entry`` is the archive's."""
        if removal.parts == (Part.ASSETS,) and entry and entry.state.is_analysed:
            if reduce_assets(self.spool, removal.id):
                self._say(removal, "reducing the assets of")
                detail = {**entry.detail, "assets": "reduced"}
                self.journal.record(removal.id, Event.ASSETS_REDUCED, **detail)
            return
        # One that is read stops the rest, which is worth less or is looked at later.
        if not all(self.spool.evict(part, removal.id) for part in removal.parts):
            return
        self._say(removal, "removing")
        if removal.parts == (Part.CORE,) and entry is not None:
            # The facts stay what the last event says, for `status`.
            self.journal.record(removal.id, Event.CORE_REMOVED, **entry.detail)
        else:
            self.journal.record(removal.id, Event.VANISHED, reason=removal.reason)

    def _say(self, removal: Removal, doing: str) -> None:
        what = "the core of " if removal.parts == (Part.CORE,) else ""
        self.log(
            f"{doing} {what}{removal.id}: {removal.reason}",
            message_id=MessageId.CRASH_REMOVED,
            id=removal.id,
            reason=removal.reason,
        )


def size_limit(limit: int | Share | None, place: Path) -> int | None:
    """Return ``purge.size`` in bytes of the filesystem that ``place`` is on."""
    if not isinstance(limit, Share):
        return limit
    status = os.statvfs(place)
    return status.f_blocks * status.f_frsize * limit.percent // 100
