"""The journal in numbers: the same as its entries say one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.collect.journal import Event, Journal, State, read_entries
from coresnap.collect.journal_summary import Parked, read_summary
from coresnap.errors import AccessError, MissingError

ENDS = (Event.FINISHED, Event.GAVE_UP, Event.SENT, Event.REFUSED, None)


@given(st.lists(st.sampled_from(ENDS), max_size=12))
def test_every_state_has_its_number_and_its_oldest(
    tmp_path_factory: pytest.TempPathFactory, ends: list[Event | None]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    with Journal(path) as journal:
        for number, end in enumerate(ends):
            name = f"{number:032x}"
            journal.record(name, Event.ARRIVED)
            if end in (Event.SENT, Event.REFUSED):
                journal.record(name, Event.FINISHED)
            if end is not None:
                journal.record(name, end)
    entries = read_entries(path).values()

    found = read_summary(path).states

    for state in State:
        times = [e.arrived for e in entries if e.state is state]
        if state is not State.GONE:
            assert found[state].count == len(times)
            assert found[state].oldest == min(times, default=None)


def parked_of(tmp_path: Path, held: list[float]) -> Parked:
    with Journal(tmp_path / "journal.sqlite") as journal:
        for number, parked in enumerate(held):
            journal.record(f"{number:032x}", Event.ARRIVED)
            journal.record(f"{number:032x}", Event.FINISHED, parked=parked)
    return read_summary(tmp_path / "journal.sqlite").parked


def test_the_time_held_is_told_by_median_rank_and_longest(tmp_path: Path) -> None:
    assert parked_of(tmp_path, [n / 10 for n in range(1, 101)]) == Parked(
        100, 5.05, 9.5, 10.0
    )


def test_one_crash_is_median_and_longest(tmp_path: Path) -> None:
    assert parked_of(tmp_path, [2]) == Parked(1, 2, 2, 2)


def test_the_newest_failures_are_told_the_newest_last(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        for number in range(103):
            journal.record(f"{number:032x}", Event.ARRIVED)
            journal.record(f"{number:032x}", Event.GAVE_UP, reason=f"no {number}")

    failed = read_summary(path).failed

    assert [f.reason for f in failed] == [f"no {number}" for number in range(3, 103)]


def test_without_a_journal_there_is_no_summary(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        read_summary(tmp_path / "journal.sqlite")


@pytest.mark.root
def test_who_may_not_look_is_told_so(tmp_path: Path) -> None:
    import os

    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    pid = os.fork()
    if pid == 0:
        os.setresuid(65534, 65534, 65534)
        try:
            read_summary(closed / "journal.sqlite")
        except AccessError:
            os._exit(3)
        os._exit(4)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 3
