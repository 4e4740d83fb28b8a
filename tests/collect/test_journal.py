"""The journal: what was tried, kept across anything that kills its writer."""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coresnap.collect import transitions
from coresnap.collect.journal import (
    Entry,
    Event,
    Journal,
    State,
    is_locked,
    read_entries,
    read_history,
)
from coresnap.collect.transitions import TRANSITIONS
from coresnap.crash import Archive, Stage
from coresnap.errors import AccessError, MissingError, NoSpaceError, StorageError

ID = "0" * 32


def archive(
    archive_id: str = ID,
    *,
    core: bool = True,
    snapshot: bool = False,
    dumping: bool = False,
) -> Archive:
    return Archive(
        id=archive_id,
        stage=Stage.SENDING if snapshot else Stage.PENDING,
        application="simple",
        time=1,
        has_core=core,
        has_snapshot=snapshot,
        has_assets=True,
        size=1,
        disk_size=1,
        dumping=dumping,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as journal:
        yield journal


def events(journal: Journal) -> list[Event]:
    return [record.event for record in journal.history(ID)]


# --- record -------------------------------------------------------------------


def test_what_was_recorded_is_there_after_reopening(path: Path) -> None:
    with Journal(path) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.STARTED)
        entry = journal.record(ID, Event.FINISHED, size=18810, checks=["check.pid"])

    with Journal(path) as journal:
        assert journal.entry(ID) == entry
        assert journal.entry(ID) == attrs.evolve(entry, state=State.READY)
        assert entry.detail == {"size": 18810, "checks": ["check.pid"]}
        assert events(journal) == [Event.ARRIVED, Event.STARTED, Event.FINISHED]


def test_failed_workers_and_interruptions_are_counted_apart(journal: Journal) -> None:
    for event in (
        Event.ARRIVED,
        *(Event.STARTED, Event.BROKE),
        *(Event.STARTED, Event.INTERRUPTED),
        *(Event.STARTED, Event.POSTPONED),
    ):
        entry = journal.record(ID, event)

    assert (entry.attempts, entry.interruptions) == (1, 1)


def test_a_retry_starts_to_count_anew(journal: Journal) -> None:
    for event in (Event.ARRIVED, Event.STARTED, Event.GAVE_UP, Event.RETRIED):
        entry = journal.record(ID, event)

    assert (entry.state, entry.attempts) == (State.WAITING, 0)


@pytest.mark.parametrize(
    ("before", "event"),
    [
        (state, event)
        for state in (None, *State)
        for event in Event
        if (state, event) not in TRANSITIONS
    ],
)
def test_an_event_that_cannot_happen_is_a_bug(
    journal: Journal, before: State | None, event: Event
) -> None:
    ways = {
        None: (),
        State.WAITING: (Event.ARRIVED,),
        State.WORKING: (Event.ARRIVED, Event.STARTED),
        State.READY: (Event.ARRIVED, Event.FINISHED),
        State.SENT: (Event.ARRIVED, Event.FINISHED, Event.SENT),
        State.REFUSED: (Event.ARRIVED, Event.FINISHED, Event.REFUSED),
        State.FAILED: (Event.ARRIVED, Event.GAVE_UP),
        State.GONE: (Event.ARRIVED, Event.VANISHED),
    }
    for step in ways[before]:
        journal.record(ID, step)

    with pytest.raises(ValueError, match="cannot happen"):
        journal.record(ID, event)
    assert events(journal) == list(ways[before])


def test_what_is_long_gone_is_forgotten_and_the_rest_is_not(journal: Journal) -> None:
    other = "1" * 32
    for name in (ID, other):
        journal.record(name, Event.ARRIVED)
    gone = journal.record(ID, Event.VANISHED)

    journal.forget(gone.changed)
    assert events(journal) == [Event.ARRIVED, Event.VANISHED]
    journal.forget(gone.changed + 1)
    assert events(journal) == []
    assert journal.entry(ID) is None
    assert journal.entry(other) is not None


# --- replay -------------------------------------------------------------------


def test_arrivals_are_what_the_spool_says(journal: Journal) -> None:
    (entry,) = journal.replay([archive()])

    assert (entry.id, entry.state) == (ID, State.WAITING)


def test_work_that_was_begun_is_to_be_done_again(journal: Journal) -> None:
    journal.replay([archive()])
    journal.record(ID, Event.STARTED)

    (entry,) = journal.replay([archive()])

    assert entry.interruptions == 1
    assert events(journal)[-1] is Event.INTERRUPTED


def test_a_snapshot_that_is_there_is_not_made_again(journal: Journal) -> None:
    journal.replay([archive()])
    journal.record(ID, Event.STARTED)

    assert journal.replay([archive(snapshot=True)]) == []
    entry = journal.entry(ID)
    assert entry is not None
    assert entry.state is State.READY


def test_what_was_found_is_known_although_the_daemon_died_after_the_link(
    journal: Journal,
) -> None:
    journal.replay([archive()])
    journal.record(ID, Event.STARTED)
    journal.record(ID, Event.MADE, checks=["check.pid"])

    journal.replay([archive(snapshot=True)])

    entry = journal.entry(ID)
    assert entry is not None
    assert entry.detail == {"checks": ["check.pid"], "recovered": True}


def test_a_snapshot_that_was_removed_is_made_again_from_its_core(
    journal: Journal,
) -> None:
    journal.replay([archive(snapshot=True)])

    (entry,) = journal.replay([archive()])

    assert entry.state is State.WAITING


def test_what_was_given_up_is_not_tried_again(journal: Journal) -> None:
    journal.replay([archive()])
    journal.record(ID, Event.STARTED)
    journal.record(ID, Event.GAVE_UP, reason="not a core")

    assert journal.replay([archive()]) == []


def test_what_is_gone_from_the_spool_is_gone(journal: Journal) -> None:
    journal.replay([archive()])

    assert journal.replay([]) == []
    assert journal.entries() == {}
    assert events(journal) == [Event.ARRIVED, Event.VANISHED]


def test_replaying_twice_changes_nothing(journal: Journal) -> None:
    journal.replay([archive()])
    journal.record(ID, Event.STARTED)
    first = journal.replay([archive()])

    assert journal.replay([archive()]) == first


def test_a_core_that_kills_the_daemon_every_time_is_given_up(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transitions, "INTERRUPTION_LIMIT", 2)
    for _ in range(3):
        assert len(journal.replay([archive()])) == 1
        journal.record(ID, Event.STARTED)

    assert journal.replay([archive()]) == []
    entry = journal.entry(ID)
    assert entry is not None
    assert entry.state is State.FAILED
    assert "3 times" in entry.detail["reason"]


def test_what_failed_least_comes_first(journal: Journal) -> None:
    other = "1" * 32
    both = [archive(), archive(other)]
    journal.replay(both)
    journal.record(ID, Event.STARTED)
    journal.record(ID, Event.BROKE)

    assert [entry.id for entry in journal.replay(both)] == [other, ID]


def test_a_record_without_a_core_is_work_as_well(journal: Journal) -> None:
    (entry,) = journal.replay([archive(core=False)])

    assert entry.state is State.WAITING


def test_what_is_still_being_dumped_has_not_arrived(journal: Journal) -> None:
    assert journal.replay([archive(core=False, dumping=True)]) == []
    assert journal.entry(ID) is None

    (entry,) = journal.replay([archive()])

    assert entry.state is State.WAITING
    assert events(journal) == [Event.ARRIVED]


class CrashingDaemon(RuleBasedStateMachine):
    """A daemon that may be killed between any two durable steps.

    The world is the spool, as sets of ids; every rule is one step that the daemon or
    the outside takes, and ``die`` may come between any two. Handlers come and go as
    they like: they name the assets, then the core, or die between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "journal.sqlite"
        self.journal = Journal(self.path)
        self.cores: set[str] = set()
        self.dumping: set[str] = set()
        self.records: set[str] = set()
        self.snapshots: set[str] = set()
        self.analyses: dict[str, int] = {}
        self.deaths: dict[str, int] = {}
        self.given_up: set[str] = set()
        self.queue: list[Entry] = []
        self.working: str | None = None
        self.linked = False

    def teardown(self) -> None:
        self.journal.close()
        self.directory.cleanup()

    def archives(self) -> list[Archive]:
        return [
            archive(
                i,
                core=i in self.cores,
                snapshot=i in self.snapshots,
                dumping=i in self.dumping,
            )
            for i in sorted(self.cores | self.snapshots | self.dumping | self.records)
        ]

    @rule(number=st.integers(0, 4))
    def a_dump_begins(self, number: int) -> None:
        archive_id = f"{number:032x}"
        if archive_id not in self.cores | self.snapshots | self.records:
            self.dumping.add(archive_id)

    @precondition(lambda self: self.dumping)
    @rule()
    def a_handler_names_its_core(self) -> None:
        archive_id = self.dumping.pop()
        self.cores.add(archive_id)
        self.deaths.setdefault(archive_id, 0)

    @precondition(lambda self: self.dumping)
    @rule()
    def a_handler_is_killed(self) -> None:
        archive_id = self.dumping.pop()
        self.records.add(archive_id)
        self.deaths.setdefault(archive_id, 0)

    @rule(number=st.integers(0, 4))
    def a_core_arrives(self, number: int) -> None:
        archive_id = f"{number:032x}"
        if archive_id not in self.snapshots | self.dumping | self.records:
            self.cores.add(archive_id)
            self.deaths.setdefault(archive_id, 0)

    @precondition(lambda self: self.working is None)
    @rule()
    def scan(self) -> None:
        self.queue = self.journal.replay(self.archives())

    @precondition(lambda self: self.working is None and self.queue)
    @rule()
    def start(self) -> None:
        entry = self.queue.pop(0)
        if entry.id in (self.cores | self.records) - self.snapshots:
            self.journal.record(entry.id, Event.STARTED)
            self.working, self.linked = entry.id, False

    @precondition(lambda self: self.working is not None and not self.linked)
    @rule()
    def make(self) -> None:
        assert self.working is not None
        self.journal.record(self.working, Event.MADE, checks=[])

    @precondition(lambda self: self.working is not None and not self.linked)
    @rule()
    def link(self) -> None:
        assert self.working is not None
        self.snapshots.add(self.working)
        self.analyses[self.working] = self.analyses.get(self.working, 0) + 1
        self.linked = True

    @precondition(lambda self: self.working is not None and self.linked)
    @rule()
    def finish(self) -> None:
        assert self.working is not None
        self.journal.record(self.working, Event.FINISHED)
        self.working = None

    @precondition(lambda self: self.working is not None and not self.linked)
    @rule(attempts=st.integers(1, 2))
    def fail(self, attempts: int) -> None:
        assert self.working is not None
        event = Event.BROKE if attempts == 1 else Event.GAVE_UP
        self.journal.record(self.working, event)
        if event is Event.GAVE_UP:
            self.given_up.add(self.working)
        self.working = None

    @rule()
    def die(self) -> None:
        if self.working is not None and not self.linked:
            self.deaths[self.working] += 1
        self.journal.close()
        self.journal = Journal(self.path)
        self.working, self.queue = None, []

    @precondition(lambda self: self.working is None)
    @rule(number=st.integers(0, 4))
    def remove_core(self, number: int) -> None:
        archive_id = f"{number:032x}"
        entry = self.journal.entry(archive_id)
        done = entry is not None and entry.state is State.READY
        if done and archive_id in self.snapshots & self.cores:
            self.cores.discard(archive_id)
            self.journal.record(archive_id, Event.CORE_REMOVED)

    @invariant()
    def nothing_is_analysed_twice(self) -> None:
        assert all(count == 1 for count in self.analyses.values())

    @invariant()
    def replay_gives_exactly_the_unfinished_work(self) -> None:
        if self.working is not None:
            return
        left = {entry.id for entry in self.journal.replay(self.archives())}
        poisonous = {
            i for i, n in self.deaths.items() if n > transitions.INTERRUPTION_LIMIT
        }
        complete = self.cores | self.records
        assert left == complete - self.snapshots - self.given_up - poisonous

    @invariant()
    def what_is_being_dumped_is_nobody_s_work(self) -> None:
        assert not self.dumping & self.journal.entries().keys()


CrashingDaemon.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
TestCrashingDaemon = CrashingDaemon.TestCase


# --- one writer, many readers -------------------------------------------------


def test_there_is_one_writer_and_it_can_be_seen(path: Path) -> None:
    assert is_locked(path) is None
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with Journal(path):
            os.write(writer, b"!")
            signal.pause()
        os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b"!"
    try:
        assert is_locked(path) == pid
        with pytest.raises(StorageError, match="runs already"):
            Journal(path)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(reader)

    assert is_locked(path) is None
    Journal(path).close()


def test_readers_see_what_the_writer_wrote(path: Path, journal: Journal) -> None:
    journal.record(ID, Event.ARRIVED)

    journal.record(ID, Event.STARTED, reason="why not")

    assert read_entries(path) == journal.entries()
    assert (
        read_history(path, ID) == read_history(path, "00") == {ID: journal.history(ID)}
    )
    assert read_history(path, "f") == {}


def test_reading_a_journal_that_is_not_there_says_so(path: Path) -> None:
    with pytest.raises(MissingError):
        read_entries(path)
    with pytest.raises(MissingError):
        read_history(path, ID)
    assert is_locked(path) is None
    assert is_locked(path / "below" / "nothing") is None


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="install"):
        raise_remedy(tmp_path / "none" / "journal.sqlite")


def raise_remedy(path: Path) -> None:
    try:
        Journal(path)
    except MissingError as error:
        raise MissingError(error.remedy) from error


@pytest.mark.root
def test_somebody_else_s_journal_is_an_access_error(path: Path) -> None:
    Journal(path).close()
    path.parent.chmod(0o700)
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        for attempt in (Journal, is_locked):
            try:
                attempt(path)
            except AccessError:
                continue
            os._exit(1)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


# --- damage -------------------------------------------------------------------


def damage_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[:64] = bytes(range(64))
    path.write_bytes(data)


def damage_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)


def truncate(path: Path) -> None:
    os.truncate(path, 5000)


def other_database(path: Path) -> None:
    path.unlink()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE entry (something TEXT)")
    database.commit()
    database.close()


def from_the_future(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.parametrize(
    "harm", [damage_header, damage_pages, truncate, from_the_future]
)
def test_a_damaged_journal_is_put_aside_and_the_spool_fills_a_new_one(
    path: Path, harm: object
) -> None:
    with Journal(path) as journal:
        journal.replay([archive(), archive("1" * 32, snapshot=True)])
    harm(path)  # type: ignore[operator]

    with Journal(path) as journal:
        assert journal.put_aside is not None
        assert journal.put_aside.exists()
        left = journal.replay([archive(), archive("1" * 32, snapshot=True)])

    assert [entry.id for entry in left] == [ID]


def record_much(journal: Journal) -> None:
    for _ in range(200):
        journal.record(ID, Event.STARTED, reason="x" * 2000)
        journal.record(ID, Event.INTERRUPTED)


@pytest.mark.root
def test_a_full_disk_is_an_error_and_not_a_lie(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if os.system(f"mount -t tmpfs -o size=400k none {mount}"):
        pytest.skip("no tmpfs can be mounted here")
    try:
        with Journal(mount / "journal.sqlite") as journal:
            journal.record(ID, Event.ARRIVED)
            free = os.statvfs(mount)
            (mount / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize))
            with pytest.raises(NoSpaceError):
                record_much(journal)
            (mount / "filler").unlink()
            entry = journal.entry(ID)
            assert entry is not None
            assert entry.state in (State.WAITING, State.WORKING)
            assert events(journal)[-1] in (
                Event.ARRIVED,
                Event.STARTED,
                Event.INTERRUPTED,
            )
            journal.replay([archive()])
    finally:
        os.system(f"umount {mount}")
