"""What of an overview somebody should look at, in the words of monitoring plug-ins.

One line, and an exit code: 0 ok, 1 warning, 2 critical, 3 unknown, as Nagios and those
that came after it take them (Monitoring Plugins Development Guidelines, "Plugin return
codes" and "Performance data").
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.collect.journal import State
from coresnap.collect.journal_summary import JournalSummary
from coresnap.collect.overview import SpoolSummary, Unknown
from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable

if TYPE_CHECKING:
    from coresnap.collect.disk import Disk
    from coresnap.collect.journal_summary import Failure
    from coresnap.collect.overview import Overview

__all__ = ["Verdict", "check_line", "remarks"]

LATE_SECONDS = 3600
"""How long a crash may wait, for a worker or for the store."""
RECENT_SECONDS = 86_400
"""How long a failure is worth a warning: it stays in the journal for longer."""
_SECOND = 1_000_000_000


class Verdict(enum.IntEnum):
    """How bad something is; the number is the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_WORST_FIRST = (Verdict.CRITICAL, Verdict.WARNING, Verdict.UNKNOWN, Verdict.OK)

Remark = tuple[Verdict, str]


def check_line(overview: Overview) -> tuple[Verdict, str]:
    """Return the worst verdict, and the line that says why."""
    found = list(remarks(overview))
    worst = next(v for v in _WORST_FIRST if v is Verdict.OK or v in dict(found))
    ordered = sorted(found, key=lambda remark: _WORST_FIRST.index(remark[0]))
    said = "; ".join(printable(text) for _, text in ordered) or "crashes are caught"
    # A bar would begin the numbers.
    said = said.replace("|", "/")
    numbers = " ".join(_numbers(overview))
    return worst, f"CORESNAP {worst.name} - {said} | {numbers}".rstrip("| ")


def remarks(overview: Overview) -> Iterator[Remark]:
    """Yield everything that is not as it should be."""
    capture = overview.capture
    if not capture.installed:
        yield Verdict.CRITICAL, f"crashes go to {capture.owner}, not to coresnap"
    yield from ((Verdict.WARNING, problem) for problem in capture.problems)
    if overview.daemon is None:
        yield Verdict.CRITICAL, "coresnapd does not run"
    if isinstance(overview.disk, Unknown):
        yield Verdict.UNKNOWN, overview.disk.reason
    else:
        yield from _disk(overview.disk)
    if isinstance(overview.journal, Unknown):
        yield Verdict.UNKNOWN, overview.journal.reason
    else:
        yield from _journal(overview.journal, overview.now)
    yield from _sending(overview)


def _disk(disk: Disk) -> Iterator[Remark]:
    if not disk.is_admitting:
        message = f"less than {disk.quota} % of {disk.path} is free: no whole cores"
        yield Verdict.CRITICAL, message
    elif disk.until_quota < disk.size * disk.quota // 200:
        yield Verdict.WARNING, f"{disk.path} is nearly at the quota of dump.quota"


def _journal(journal: JournalSummary, now: int) -> Iterator[Remark]:
    for state, what in ((State.WAITING, "a worker"), (State.READY, "the store")):
        found = journal.states[state]
        if found.oldest is None:
            continue
        age = (now - found.oldest) / _SECOND
        if age > LATE_SECONDS:
            message = f"{found.count} wait for {what}, the first for {duration(age)}"
            yield Verdict.WARNING, message
    for what, failures in (
        ("given up", journal.failed),
        ("refused by the store", journal.refused),
    ):
        if recent := _recent(failures, now):
            yield Verdict.WARNING, f"{recent} {what} within a day"


def _recent(failures: tuple[Failure, ...], now: int) -> int:
    return sum(now - one.changed < RECENT_SECONDS * _SECOND for one in failures)


def _sending(overview: Overview) -> Iterator[Remark]:
    state = overview.sending
    if state is None:
        return
    if isinstance(state, Unknown):
        yield Verdict.UNKNOWN, state.reason
        return
    if state.aside:
        yield Verdict.WARNING, f"{len(state.aside)} are set aside and not sent"
    if state.trouble:
        yield Verdict.WARNING, f"nothing is sent: {state.trouble}"


def _numbers(overview: Overview) -> Iterator[str]:
    if isinstance(overview.journal, JournalSummary):
        for state in (State.WAITING, State.READY, State.FAILED, State.REFUSED):
            found = overview.journal.states[state]
            yield f"{state}={found.count}"
            if state in (State.WAITING, State.READY):
                age = 0 if found.oldest is None else overview.now - found.oldest
                yield f"{state}_age={max(age, 0) // _SECOND}s;{LATE_SECONDS}"
        if overview.journal.parked.p95 is not None:
            yield f"parked_p95={overview.journal.parked.p95:.3f}s"
    if isinstance(overview.spool, SpoolSummary):
        used = sum(usage.disk_size for usage in overview.spool.usage.values())
        yield f"spool={used}B"
    if not isinstance(overview.disk, Unknown):
        yield f"free={overview.disk.available}B"
