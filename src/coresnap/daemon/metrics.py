"""What monitors are told of a machine: names, kinds and numbers of all metrics.

Labels take their values from lists of ours, never from what crashed: there are as many
series on a machine with a million crashes as on one with none, and no name that a
process chose is among them. ``docs/metrics.md`` is checked against ``METRICS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from coresnap.collect.admission import Admission
from coresnap.collect.disk import Disk
from coresnap.collect.journal import Event
from coresnap.collect.journal_summary import JournalSummary
from coresnap.collect.journal_totals import PARKED_BUCKETS, RUNGS
from coresnap.collect.overview import Overview, SpoolSummary, Unknown
from coresnap.collect.sending_state import SendingState

__all__ = ["METRICS", "Histogram", "Metric", "Sample", "samples"]

PARTS = ("daemon", "spool", "disk", "journal", "admission", "sending")
"""Of an overview, that may be unknown."""
WORKER_ENDS = ("done", "hopeless", "broke", "no-room")
_SECOND = 1e9


class Metric(NamedTuple):
    """A metric, by its name without ``_total``."""

    name: str
    kind: str
    """``gauge``, ``counter`` or ``histogram``."""
    meaning: str
    label: str = ""


class Histogram(NamedTuple):
    """How many values were at most each bound, and their sum."""

    buckets: tuple[tuple[float, float], ...]
    """Bounds, the last of them infinite, to the number at most that."""
    sum: float


class Sample(NamedTuple):
    """One number of a metric."""

    name: str
    value: float | Histogram
    label: str = ""
    """The label's value; empty for a metric without one."""


METRICS = (
    Metric("coresnap_build_info", "gauge", "1; which version tells.", "version"),
    Metric(
        "coresnap_readable",
        "gauge",
        "Whether a part of what is told could be read; what could not is absent.",
        "part",
    ),
    Metric("coresnap_registered", "gauge", "Whether the system's crashes come here."),
    Metric("coresnap_daemon_up", "gauge", "Whether coresnapd runs."),
    Metric(
        "coresnap_crashes",
        "counter",
        "Crashes that the system handed over, by fate: archived, suppressed (only "
        "counted, in a storm) or refused (for want of room).",
        "fate",
    ),
    Metric("coresnap_crashes_kept", "counter", "Crashes by what was kept.", "rung"),
    Metric(
        "coresnap_parked_seconds",
        "histogram",
        "How long a crashed process was held for its dump.",
    ),
    Metric("coresnap_held_processes", "gauge", "Processes held by a dump just now."),
    Metric("coresnap_held_seconds", "gauge", "How long the first of them has been."),
    Metric("coresnap_archives", "gauge", "Crashes in the archive by state.", "state"),
    Metric(
        "coresnap_oldest_seconds",
        "gauge",
        "How long ago the oldest crash in a state came; 0 without one.",
        "state",
    ),
    Metric("coresnap_events", "counter", "What was done, and what failed.", "event"),
    Metric("coresnap_workers", "counter", "Workers that ended, and how.", "end"),
    Metric("coresnap_spool_objects", "gauge", "Files of the archive.", "part"),
    Metric("coresnap_spool_bytes", "gauge", "What they take on the disk.", "part"),
    Metric("coresnap_disk_bytes", "gauge", "Size of the archive's filesystem."),
    Metric("coresnap_disk_available_bytes", "gauge", "What is free of it."),
    Metric(
        "coresnap_disk_until_quota_bytes",
        "gauge",
        "What may be written until dump.quota lets less of a crash be kept; negative "
        "where that is so.",
    ),
    Metric(
        "coresnap_disk_admitting",
        "gauge",
        "Whether blocks and inodes leave room for whole cores.",
    ),
    Metric("coresnap_sending", "gauge", "Whether there is a store to send to."),
    Metric("coresnap_sending_trouble", "gauge", "Whether it takes nothing just now."),
    Metric("coresnap_sending_aside", "gauge", "Snapshots that are not tried any more."),
    Metric(
        "coresnap_sending_next_try_timestamp_seconds",
        "gauge",
        "When sending is tried again; 0 if nothing keeps it.",
    ),
    Metric("coresnap_last_sent_timestamp_seconds", "gauge", "When one was last sent."),
    Metric("coresnap_last_crash_timestamp_seconds", "gauge", "When one last came."),
)


def samples(overview: Overview, version: str) -> Iterator[Sample]:
    """Yield all numbers of an overview; of what is unknown there are none."""
    yield Sample("coresnap_build_info", 1, version)
    for part in PARTS:
        known = not isinstance(getattr(overview, part), Unknown)
        yield Sample("coresnap_readable", known, part)
    yield Sample("coresnap_registered", overview.capture.installed)
    if not isinstance(overview.daemon, Unknown):
        yield Sample("coresnap_daemon_up", overview.daemon is not None)
    if isinstance(overview.admission, Admission):
        yield from _crashes(overview.admission)
    if isinstance(overview.journal, JournalSummary):
        yield from _journal(overview.journal, overview.now)
    if isinstance(overview.spool, SpoolSummary):
        yield from _spool(overview.spool, overview.now)
    if isinstance(overview.disk, Disk):
        yield from _disk(overview.disk)
    if not isinstance(overview.sending, Unknown):
        yield from _sending(overview.sending)
    if overview.last_crash is not None:
        at = overview.last_crash / _SECOND
        yield Sample("coresnap_last_crash_timestamp_seconds", at)


def _crashes(admission: Admission) -> Iterator[Sample]:
    for fate in ("archived", "suppressed", "refused"):
        yield Sample("coresnap_crashes", getattr(admission, fate), fate)


def _journal(journal: JournalSummary, now: int) -> Iterator[Sample]:
    for state, found in journal.states.items():
        yield Sample("coresnap_archives", found.count, state)
        age = 0 if found.oldest is None else max(now - found.oldest, 0)
        yield Sample("coresnap_oldest_seconds", age / _SECOND, state)
    totals = journal.totals
    for topic, name, labels in (
        ("rung", "coresnap_crashes_kept", (*RUNGS, "other")),
        ("event", "coresnap_events", tuple(Event)),
        ("worker", "coresnap_workers", WORKER_ENDS),
    ):
        for label in labels:
            yield Sample(name, totals.get(topic, {}).get(label, 0), label)
    yield Sample("coresnap_parked_seconds", _parked(totals.get("parked", {})))
    if journal.last_sent is not None:
        at = journal.last_sent / _SECOND
        yield Sample("coresnap_last_sent_timestamp_seconds", at)


def _parked(totals: Mapping[str, float]) -> Histogram:
    buckets, count = [], 0.0
    for bound in (*PARKED_BUCKETS, float("inf")):
        count += totals.get(f"{bound:g}", 0)
        buckets.append((bound, count))
    return Histogram(tuple(buckets), totals.get("sum", 0))


def _spool(spool: SpoolSummary, now: int) -> Iterator[Sample]:
    for part, usage in spool.usage.items():
        yield Sample("coresnap_spool_objects", usage.objects, part)
        yield Sample("coresnap_spool_bytes", usage.disk_size, part)
    since = spool.held.since
    age = 0 if since is None else max(now - since, 0)
    yield Sample("coresnap_held_processes", spool.held.count)
    yield Sample("coresnap_held_seconds", age / _SECOND)


def _disk(disk: Disk) -> Iterator[Sample]:
    yield Sample("coresnap_disk_bytes", disk.size)
    yield Sample("coresnap_disk_available_bytes", disk.available)
    yield Sample("coresnap_disk_until_quota_bytes", disk.until_quota)
    yield Sample("coresnap_disk_admitting", disk.is_admitting)


def _sending(state: SendingState | None) -> Iterator[Sample]:
    yield Sample("coresnap_sending", state is not None)
    if state is not None:
        yield Sample("coresnap_sending_trouble", bool(state.trouble))
        yield Sample("coresnap_sending_aside", len(state.aside))
        name = "coresnap_sending_next_try_timestamp_seconds"
        yield Sample(name, state.next_try)
