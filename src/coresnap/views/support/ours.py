"""What coresnap says of itself: status, findings, journal, spool."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import attrs

from coresnap.backends import select
from coresnap.collect.journal import reading
from coresnap.collect.overview import read_overview
from coresnap.collect.parts import Part
from coresnap.collect.spool import storage_error
from coresnap.snapshot.escape import without_surrogates
from coresnap.views.cli.doctor import findings_of
from coresnap.views.cli.status_facts import status_facts
from coresnap.views.support.piece import Context

__all__ = ["doctor_text", "history_text", "spool_text", "status_text"]

_EVENTS = 2000
_FILES = 2000


def status_text(context: Context) -> str:
    """Return ``coresnap status --json``."""
    config = context.config
    facts = status_facts(read_overview(config, select(config)), config)
    return json.dumps(without_surrogates(facts), indent=1) + "\n"


def doctor_text(context: Context) -> str:
    """Return what ``coresnap doctor`` finds, as JSON; it asks the store, too."""
    listed = [attrs.asdict(finding) for finding in findings_of(context.config)]
    return json.dumps(without_surrogates(listed), indent=1) + "\n"


def history_text(context: Context) -> str:
    """Return the journal's last events, with the reasons of those that failed."""
    query = "SELECT time, id, event, state, detail FROM event ORDER BY sequence DESC"
    with reading(context.config.journal) as database:
        rows = database.execute(f"{query} LIMIT ?", (_EVENTS,)).fetchall()
    return "".join(f"{_event(*row)}\n" for row in reversed(rows))


def _event(moment: int, archive_id: str, event: str, state: str, detail: str) -> str:
    reason = json.loads(detail).get("reason", "")
    said = f" {json.dumps(str(reason))}" if reason else ""
    return f"{_time(moment)} {archive_id} {event} -> {state}{said}"


def spool_text(context: Context) -> str:
    """Return the newest files of the spool by name, size and time; none is opened."""
    lines = [f"{'part':<8} {'bytes':>14} {'on disk':>14} mode uid changed name"]
    for part in Part:
        directory = context.config.spool / part
        try:
            with os.scandir(directory) as entries:
                found = sorted(_files(entries), reverse=True)
        except OSError as error:
            raise storage_error(f"cannot list {directory}", error) from error
        lines += [f"{part:<8} {line}" for _, line in found[:_FILES]]
        if (more := len(found) - _FILES) > 0:
            lines.append(f"{part:<8} and {more} older")
    return "\n".join([*lines, ""])


def _files(entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[int, str]]:
    for entry in entries:
        status = entry.stat(follow_symlinks=False)
        changed = status.st_mtime_ns
        yield (
            changed,
            f"{status.st_size:>14} {status.st_blocks * 512:>14} {status.st_mode:o} "
            f"{status.st_uid} {_time(changed)} {entry.name!r}",
        )


def _time(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment / 1e9))
