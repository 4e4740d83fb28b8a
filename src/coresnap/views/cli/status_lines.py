"""An overview of this machine as lines for people: ``coresnap status``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.collect.journal import State
from coresnap.collect.journal_summary import JournalSummary
from coresnap.collect.overview import Unknown
from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable
from coresnap.views.cli.install import settings_lines
from coresnap.views.cli.suppressed import admission_facts, admission_lines
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.collect.disk import Disk
    from coresnap.collect.journal_summary import Failure, Parked
    from coresnap.collect.overview import Overview, SpoolSummary
    from coresnap.config import Config

__all__ = ["status_lines"]

_SHOWN = 5
_SECOND = 1_000_000_000
_QUEUES = (
    (State.WAITING, "analysis"),
    (State.WORKING, "a worker's end"),
    (State.READY, "the store"),
)


def status_lines(overview: Overview, config: Config) -> Iterator[str]:
    """Yield the lines."""
    capture = overview.capture
    owner = "coresnap (installed)" if capture.installed else printable(capture.owner)
    yield f"crashes go to: {owner}"
    yield from settings_lines(capture)
    yield from _daemon_lines(overview)
    yield from _spool_lines(overview.spool, config, overview.now)
    yield from _disk_lines(overview.disk)
    yield from admission_lines(admission_facts(overview.admission))
    if overview.last_crash is not None:
        yield f"last crash: {_when(overview.last_crash, overview.now)}"
    if isinstance(overview.journal, Unknown):
        yield f"journal: {printable(overview.journal.reason)}"
    else:
        yield from _journal_lines(overview.journal, overview.now)
    yield from _sending_lines(overview)


def _when(moment: int, now: int) -> str:
    ago = duration(max(now - moment, _SECOND) / _SECOND)
    return f"{time.ctime(moment / _SECOND)}, {ago} ago"


def _daemon_lines(overview: Overview) -> Iterator[str]:
    daemon = overview.daemon
    if isinstance(daemon, Unknown):
        yield f"daemon: {printable(daemon.reason)}"
    elif daemon is None:
        yield "daemon: does not run"
    else:
        yield f"daemon: runs as process {daemon}"


def _spool_lines(
    spool: SpoolSummary | Unknown, config: Config, now: int
) -> Iterator[str]:
    if isinstance(spool, Unknown):
        yield f"spool: {printable(spool.reason)}"
        return
    yield f"spool: {printable(str(config.spool))}"
    for part, used in spool.usage.items():
        size = f"{decimal_size(used.size)}, {decimal_size(used.disk_size)} on disk"
        yield f"  {part:<8} {used.objects} objects, {size}"
    if spool.held.since is not None:
        age = duration(max(now - spool.held.since, 0) / _SECOND)
        yield f"  {spool.held.count} processes are held just now, the first for {age}"


def _disk_lines(disk: Disk | Unknown) -> Iterator[str]:
    if isinstance(disk, Unknown):
        yield f"disk: {printable(disk.reason)}"
        return
    free, size = decimal_size(disk.available), decimal_size(disk.size)
    line = f"disk: {free} of {size} free"
    if disk.is_admitting:
        line += f"; whole cores are kept for {decimal_size(disk.until_quota)} more"
    else:
        line += f": less than the {disk.quota} % below which no whole core is kept"
    yield line


def _journal_lines(journal: JournalSummary, now: int) -> Iterator[str]:
    states = ", ".join(f"{found.count} {s}" for s, found in journal.states.items())
    yield f"journal: {states}"
    for state, what in _QUEUES:
        found = journal.states[state]
        if found.oldest is not None:
            age = duration(max(now - found.oldest, 0) / _SECOND)
            yield f"  waiting for {what}: {found.count}, the oldest for {age}"
    yield from _failure_lines("given up", journal.failed)
    yield from _failure_lines("refused by the store", journal.refused)
    if journal.rungs:
        rungs = (f"{count} {printable(rung)}" for rung, count in journal.rungs.items())
        yield f"kept: {', '.join(rungs)}"
    yield from _parked_lines(journal.parked)
    if journal.confinement is not None:
        yield f"last worker: {', '.join(journal.confinement) or 'unconfined'}"


def _failure_lines(what: str, failures: tuple[Failure, ...]) -> Iterator[str]:
    for one in failures[-_SHOWN:]:
        yield f"  {what}: {one.id}: {printable(one.reason)}"


def _parked_lines(parked: Parked) -> Iterator[str]:
    if parked.median is None or parked.p95 is None or parked.longest is None:
        return
    yield (
        f"processes held: median {duration(parked.median)}, "
        f"95 % at most {duration(parked.p95)}, "
        f"longest {duration(parked.longest)}, of {parked.count} crashes"
    )


def _sending_lines(overview: Overview) -> Iterator[str]:
    state, journal = overview.sending, overview.journal
    if state is None:
        return
    if isinstance(state, Unknown):
        yield f"sending: {printable(state.reason)}"
        return
    line = f"sending: to {printable(state.store)}"
    if isinstance(journal, JournalSummary):
        line += f", {journal.states[State.READY].count} wait"
        refused = journal.states[State.REFUSED].count
        line += f", {refused} were refused" if refused else ""
    yield line
    if isinstance(journal, JournalSummary) and journal.last_sent is not None:
        yield f"  last sent: {_when(journal.last_sent, overview.now)}"
    for one in state.aside[-_SHOWN:]:
        yield f"  set aside: {one.id}: {printable(one.reason)}"
    if state.trouble:
        yield f"  {printable(state.trouble)}"
    if state.next_try:
        wait = max(0, state.next_try - int(time.time()))
        yield f"  the next try comes within {wait} s"
