"""What the journal counts for ever: each thing once, whatever is forgotten."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from coresnap.collect.journal import Event, Journal
from coresnap.collect.journal_summary import read_summary
from coresnap.errors import StorageError

ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_a_crash_is_counted_by_what_became_of_it(path: Path) -> None:
    with Journal(path) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.STARTED)
        journal.record(ID, Event.BROKE, verdict="broke", reason="died of SIGSEGV")
        journal.record(ID, Event.STARTED)
        facts = {"rung": "stacks", "parked": 0.3}
        journal.record(ID, Event.MADE, **facts)
        journal.record(ID, Event.FINISHED, **facts)
        journal.record(ID, Event.SENT, **facts)

    totals = read_summary(path).totals

    assert totals["event"] == {
        **{"arrived": 1, "started": 2, "broke": 1, "made": 1},
        **{"finished": 1, "sent": 1},
    }
    assert totals["rung"] == {"stacks": 1}
    assert totals["worker"] == {"broke": 1, "done": 1}
    assert totals["parked"] == {"0.5": 1, "sum": 0.3}


def test_a_crash_that_is_analysed_again_was_held_once(path: Path) -> None:
    with Journal(path) as journal:
        journal.record(ID, Event.ARRIVED)
        for _ in range(2):
            journal.record(ID, Event.FINISHED, rung="full", parked=500)
            journal.record(ID, Event.RETRIED)

    totals = read_summary(path).totals

    assert totals["event"]["finished"] == 2
    assert totals["rung"] == {"full": 1}
    assert totals["parked"] == {"inf": 1, "sum": 500}


@pytest.mark.parametrize("parked", [float("nan"), float("inf"), -1, "1", True, None])
def test_what_a_worker_made_up_is_not_counted(path: Path, parked: object) -> None:
    with Journal(path) as journal:
        journal.record(ID, Event.ARRIVED, verdict="\n# HELP evil")
        journal.record(ID, Event.FINISHED, rung='"} evil', parked=parked)

    found = read_summary(path)

    assert found.totals["rung"] == {"other": 1}
    assert "parked" not in found.totals
    assert found.totals["worker"] == {"done": 1}
    assert found.parked.count == 0


def test_what_is_gone_and_forgotten_stays_counted(path: Path) -> None:
    with Journal(path) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.VANISHED)
        journal.forget(time.time_ns() + 1)
        assert journal.history(ID) == []

    assert read_summary(path).totals["event"] == {"arrived": 1, "vanished": 1}


def test_a_journal_of_before_begins_with_what_it_remembers(path: Path) -> None:
    with Journal(path) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.FINISHED)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE total")
    assert read_summary(path).totals == {}

    Journal(path).close()
    found = read_summary(path)

    assert found.totals == {"event": {"arrived": 1, "finished": 1}}
    assert found.last_crash is not None


def test_an_event_that_is_not_written_is_not_counted(path: Path) -> None:
    with Journal(path) as journal:
        journal.record(ID, Event.ARRIVED)
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("DROP TABLE event")
            database.execute("CREATE TABLE event (sequence, no_such_column)")
        with pytest.raises(StorageError):
            journal.record(ID, Event.FINISHED, rung="full")

    assert read_summary(path).totals == {"event": {"arrived": 1}}
