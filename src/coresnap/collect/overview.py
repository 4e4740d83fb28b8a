"""How capture, archive and sending do on this machine, read from the outside.

Everything here is read from files that daemon and handler leave: nobody is asked, so
nobody who catches a crash is kept waiting. What may not be read, or is not there, is
``Unknown`` with its reason, and hides nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import attrs

from coresnap.backends.base import CaptureBackend, CaptureStatus
from coresnap.collect.admission import Admission, read_admission
from coresnap.collect.disk import Disk, read_disk
from coresnap.collect.journal import is_locked
from coresnap.collect.journal_summary import JournalSummary, read_summary
from coresnap.collect.sending_state import SendingState, read_sending_state
from coresnap.collect.spool import Held, Part, Spool, Usage
from coresnap.config import Config
from coresnap.errors import CoresnapError

__all__ = ["Overview", "SpoolSummary", "Unknown", "known", "read_overview"]

T = TypeVar("T")


@attrs.frozen
class Unknown:
    """What could not be read."""

    reason: str
    """A sentence."""


@attrs.frozen
class SpoolSummary:
    """What the spool holds."""

    usage: dict[Part, Usage]
    held: Held


@attrs.frozen
class Overview:
    """One look at a machine."""

    now: int
    """When it was: UTC nanoseconds."""
    capture: CaptureStatus
    daemon: int | Unknown | None
    """The daemon's process; None if it does not run."""
    spool: SpoolSummary | Unknown
    disk: Disk | Unknown
    journal: JournalSummary | Unknown
    admission: Admission | Unknown
    sending: SendingState | Unknown | None
    """None if nothing was ever sent from here."""

    @property
    def last_crash(self) -> int | None:
        """When a crash last came, kept or only counted: UTC nanoseconds."""
        times = []
        if isinstance(self.journal, JournalSummary) and self.journal.last_crash:
            times.append(self.journal.last_crash)
        if isinstance(self.admission, Admission):
            times += [kind.last for kind in self.admission.kinds[:1]]
        return max(times, default=None)


def read_overview(config: Config, backend: CaptureBackend) -> Overview:
    """Look at everything once; changes nothing and never waits for anybody."""
    return Overview(
        now=time.time_ns(),
        capture=backend.status(),
        daemon=known(lambda: is_locked(config.journal)),
        spool=known(lambda: _spool(config)),
        disk=known(lambda: read_disk(config.spool, config.dump_quota)),
        journal=known(lambda: read_summary(config.journal)),
        admission=known(lambda: read_admission(config.admission)),
        sending=known(lambda: read_sending_state(config.sending_state)),
    )


def known(read: Callable[[], T]) -> T | Unknown:
    """Return what ``read`` returns, or why it cannot."""
    try:
        return read()
    except CoresnapError as error:
        return Unknown(str(error))


def _spool(config: Config) -> SpoolSummary:
    with Spool(config.spool) as spool:
        return SpoolSummary(spool.usage(), spool.held())
