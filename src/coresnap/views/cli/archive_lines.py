"""One archive in the listing: a line, its facts, and its history."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable, without_surrogates

if TYPE_CHECKING:
    from coresnap.collect.journal import Record
    from coresnap.collect.spool import Spool
    from coresnap.crash import Archive
    from coresnap.views.cli.sending_lines import Sending

__all__ = ["Shown", "history_lines", "look_up"]

_NANOSECONDS = 1e9
_KEPT_BACK = ("refused", "aside")


@attrs.frozen
class Shown:
    """An archive with what its assets say about how it was taken, and where it went."""

    archive: Archive
    rung: str | None
    """How much was kept; None if the assets do not say."""
    rung_reason: str | None
    parked: int | None
    """Nanoseconds that the process was held."""
    budget: int | None
    """Nanoseconds that it might have been held."""
    kind: str | None
    suppressed: int
    """Crashes of its kind not archived since the one before it."""
    sending: Sending | None = None
    """None if nothing is known, or nothing is sent from here."""

    @property
    def remark(self) -> str:
        """One word about an archive that is not as others are; empty for those."""
        if self.archive.dumping:
            return "dumping"
        return printable(self.rung) if self.rung not in (None, "full") else ""

    @property
    def remarks(self) -> str:
        """That word, and one for a snapshot that the store does not get."""
        state = self.sending.state if self.sending is not None else ""
        words = (self.remark, state if state in _KEPT_BACK else "")
        return " ".join(word for word in words if word)

    @property
    def details(self) -> Iterator[str]:
        """All that is known beyond the line, piece by piece."""
        yield self.archive.id
        if self.parked is not None:
            text = f"held {duration(self.parked / _NANOSECONDS)}"
            if self.budget is not None:
                text += f" of {duration(self.budget / _NANOSECONDS)}"
            yield text
        if self.rung_reason:
            yield f"{self.remark or self.rung}: {printable(self.rung_reason)}"
        if self.kind:
            yield f"kind {printable(self.kind)}"
        if self.suppressed:
            yield f"{self.suppressed} of its kind suppressed before"
        if self.sending is not None:
            yield str(self.sending)

    def as_json(self) -> dict[str, object]:
        """Return every fact under its own name; None where nothing is known."""
        archive = self.archive
        return {
            "id": archive.id,
            "stage": archive.stage,
            "application": without_surrogates(archive.application),
            "time": archive.time,
            "core": archive.has_core,
            "snapshot": archive.has_snapshot,
            "assets": archive.has_assets,
            "size": archive.size,
            "disk_size": archive.disk_size,
            "dumping": archive.dumping,
            "rung": without_surrogates(self.rung),
            "rung_reason": without_surrogates(self.rung_reason),
            "parked": self.parked,
            "budget": self.budget,
            "kind": without_surrogates(self.kind),
            "suppressed": self.suppressed,
            "sending": self.sending.as_json() if self.sending is not None else None,
        }


def look_up(spool: Spool, archive: Archive, sending: Sending | None = None) -> Shown:
    """Read what an archive's assets say about how it was taken."""
    capture: Mapping[str, Any] = spool.capture(archive.id) if archive.has_assets else {}
    crash = spool.crash(archive.id) if archive.has_assets else None
    rung, reason = capture.get("rung"), capture.get("rung_reason")
    if archive.is_record and not archive.dumping and rung != "record":
        rung, reason = "record", "killed"
    return Shown(
        archive,
        rung if isinstance(rung, str) else None,
        reason if isinstance(reason, str) else None,
        _number(capture.get("parked")),
        _number(capture.get("budget")),
        crash.kind if crash is not None else None,
        (crash.suppressed if crash is not None else None) or 0,
        sending,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def history_lines(records: Sequence[Record]) -> Iterator[str]:
    """Yield the id of an archive, and a line for each thing that happened to it."""
    yield records[0].id
    for record in records:
        said = " ".join(f"{k}={_brief(v)}" for k, v in record.detail.items())
        when = time.ctime(record.time / _NANOSECONDS)
        line = f"   {when}  {record.event:<12} {record.state:<8} {said}"
        yield line.rstrip()


def _brief(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(_brief, value)) or "-"
    return printable(str(value))
