"""The stages of an archive, with an analysis of the test's own."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import freebsd_corewriter
from conftest import CompileProgram, KernelCore
from coresnap.backends import crash_record
from coresnap.backends.fake import FakeBackend
from coresnap.collect.assets import pack_assets
from coresnap.collect.journal import Event, Journal, State
from coresnap.collect.spool import Part, Spool, create_spool, make_id
from coresnap.collect.transitions import INTERRUPTION_LIMIT
from coresnap.config import Share, load_config
from coresnap.crash import Crash, Stage
from coresnap.daemon.clock import PatientClock
from coresnap.daemon.job import Job, analyse_core
from coresnap.daemon.stages import Pipeline
from coresnap.daemon.worker import Analyse, Verdict
from coresnap.elfcore.elffile import open_elf
from coresnap.errors import CoreFormatError, MissingError, NoSpaceError, UsageError
from coresnap.snapshot.container import read_snapshot
from debuginfod_server import serving

DROPPED = [freebsd_corewriter.prpsinfo(freebsd_corewriter.AMD64, pid=7)]
GOOD = {"checks": [], "truncated": False, "size": 4}


def fine(job: Job, fd: int) -> dict[str, Any]:
    os.write(fd, b"snap")
    return dict(GOOD)


def hopeless(job: Job, fd: int) -> dict[str, Any]:
    os.write(fd, b"half a sn")
    raise CoreFormatError("not a core")


def buggy(job: Job, fd: int) -> dict[str, Any]:
    raise RuntimeError("a bug")


@attrs.define
class World:
    """A pipeline with its parts, and what it said."""

    pipeline: Pipeline
    said: list[str]

    @property
    def spool(self) -> Spool:
        return self.pipeline.spool

    @property
    def journal(self) -> Journal:
        return self.pipeline.journal

    def pass_time(self, seconds: int) -> None:
        """Let it be so much later for the policy."""
        late = seconds * 10**9
        self.pipeline.clock = PatientClock(lambda: time.time_ns() + late)

    def put(self, data: bytes = b"core") -> str:
        archive_id = make_id()
        with self.spool.create(Part.CORE) as file:
            os.write(file.fd, data)
            self.spool.commit(Part.CORE, file, archive_id)
        return archive_id

    def put_record(self, **members: bytes) -> str:
        """The assets of a handler that never named a core."""
        archive_id = make_id()
        crash = Crash(7, 11, time.time_ns(), executable="!bin!simple")
        record = crash_record.encode(crash)
        data = pack_assets({"crash.json": record, **members}, 0)
        with self.spool.create(Part.ASSETS) as file:
            os.write(file.fd, data)
            self.spool.commit(Part.ASSETS, file, archive_id)
        return archive_id

    def state(self, archive_id: str) -> State | None:
        entry = self.journal.entry(archive_id)
        return entry.state if entry else None

    def work(self) -> None:
        self.pipeline.scan()
        while self.pipeline.start_next() is not None:
            self.pipeline.finish()


Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    opened: list[World] = []

    def make(analyse: Analyse = fine, root: Path = tmp_path, **settings: Any) -> World:  # noqa: ANN401
        (tmp_path / "conf").touch()
        config = load_config(tmp_path / "conf")
        config = attrs.evolve(config, root=root, user="root", dump_quota=0, **settings)
        create_spool(config.spool)
        config.journal.parent.mkdir(exist_ok=True)
        said: list[str] = []
        pipeline = Pipeline(
            config,
            Spool(config.spool),
            Journal(config.journal),
            FakeBackend(),
            analyse,
            lambda sentence, **facts: said.append(sentence),
        )
        opened.append(World(pipeline, said))
        return opened[-1]

    yield make
    for world in opened:
        world.spool.close()
        world.journal.close()


def test_a_core_becomes_a_snapshot_and_goes(make: Make) -> None:
    world = make()
    archive_id = world.put()

    world.work()

    (archive,) = world.spool.archives()
    assert (archive.stage, archive.has_core) == (Stage.SENDING, False)
    assert world.spool.path(Part.SNAPSHOT, archive_id).read_bytes() == b"snap"
    assert world.state(archive_id) is State.READY
    core = world.spool.path(Part.CORE, archive_id)
    assert world.said[0] == f"Crash dump archived in {core}"
    assert world.said[1].startswith("Executing worker ")
    assert world.said[2].startswith(f"crash {archive_id} processed in ")
    assert world.said[2].endswith(" seconds")


@pytest.mark.parametrize(
    "facts", [{"checks": ["check.pid"]}, {"checks": [], "truncated": True}, {}]
)
def test_a_core_in_doubt_is_kept_beside_its_snapshot(
    make: Make, facts: dict[str, Any]
) -> None:
    world = make(lambda job, fd: facts)
    world.put()

    world.work()

    (archive,) = world.spool.archives()
    assert archive.has_core
    assert archive.has_snapshot


def test_what_makes_no_sense_is_tried_once_and_kept(make: Make) -> None:
    world = make(hopeless)
    archive_id = world.put()

    world.work()
    world.work()

    assert world.state(archive_id) is State.FAILED
    events = [record.event for record in world.journal.history(archive_id)]
    assert events == [Event.ARRIVED, Event.STARTED, Event.GAVE_UP]
    (archive,) = world.spool.archives()
    assert archive.has_core
    assert not archive.has_snapshot
    assert os.listdir(world.spool.directory / "sending") == []


def test_a_worker_that_breaks_is_tried_as_often_as_configured(make: Make) -> None:
    world = make(buggy, worker_attempts=3)
    archive_id = world.put()

    world.work()

    events = [record.event for record in world.journal.history(archive_id)]
    assert events.count(Event.STARTED) == 3
    assert events.count(Event.BROKE) == 2
    assert events[-1] is Event.GAVE_UP


def test_a_full_disk_postpones_and_counts_as_no_attempt(make: Make) -> None:
    def full(job: Job, fd: int) -> dict[str, Any]:
        raise NoSpaceError("no room")

    world = make(full)
    archive_id = world.put()
    for _ in range(5):
        world.pipeline.scan()
        assert world.pipeline.start_next() is not None
        assert world.pipeline.finish().verdict == Verdict.NO_ROOM
        assert world.pipeline.start_next() is None

    entry = world.journal.entry(archive_id)
    assert entry is not None
    assert (entry.state, entry.attempts) == (State.WAITING, 0)
    world.pipeline.analyse = fine
    world.work()
    assert world.state(archive_id) is State.READY


def test_one_bad_core_does_not_hold_up_the_others(make: Make) -> None:
    def picky(job: Job, fd: int) -> dict[str, Any]:
        return buggy(job, fd) if job.core.read_bytes() == b"bad" else fine(job, fd)

    world = make(picky, worker_attempts=2)
    bad = world.put(b"bad")
    good = [world.put() for _ in range(3)]
    world.pipeline.scan()
    order = []
    while (worker := world.pipeline.start_next()) is not None:
        order.append(worker.job.id)
        world.pipeline.finish()

    assert order.count(bad) == 2
    assert order[-1] == bad
    assert {world.state(archive_id) for archive_id in good} == {State.READY}
    assert world.state(bad) is State.FAILED


def test_the_end_of_the_daemon_leaves_the_work_for_the_next(make: Make) -> None:
    def slow(job: Job, fd: int) -> dict[str, Any]:
        time.sleep(60)
        return {}

    world = make(slow)
    archive_id = world.put()
    world.pipeline.scan()
    worker = world.pipeline.start_next()
    assert worker is not None

    world.pipeline.abandon()

    assert world.state(archive_id) is State.WAITING
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    assert os.listdir(world.spool.directory / "sending") == []


def test_a_journal_without_room_postpones_and_never_gives_up(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    archive_id = world.put()
    record = world.journal.record

    def full(name: str, event: Event, **detail: object) -> object:
        # The snapshot has taken the last block: it must be gone before this is said.
        if event is Event.MADE:
            raise NoSpaceError("the disk is full")
        return record(name, event, **detail)

    monkeypatch.setattr(Journal, "record", lambda journal, *a, **k: full(*a, **k))
    for _ in range(INTERRUPTION_LIMIT + 5):
        world.pipeline.scan()
        assert world.pipeline.start_next() is not None
        assert world.pipeline.finish().verdict == Verdict.NO_ROOM
    entry = world.journal.entry(archive_id)
    assert entry is not None
    assert (entry.state, entry.attempts, entry.interruptions) == (State.WAITING, 0, 0)
    assert os.listdir(world.spool.directory / "sending") == []

    monkeypatch.undo()
    world.work()
    assert world.state(archive_id) is State.READY


# --- records ------------------------------------------------------------------


def test_a_record_without_a_core_becomes_a_snapshot(make: Make) -> None:
    world = make(analyse_core)
    archive_id = world.put_record()

    world.work()
    world.work()

    (archive,) = world.spool.archives()
    assert (archive.has_core, archive.has_snapshot) == (False, True)
    assert world.state(archive_id) is State.READY
    snapshot = read_snapshot(world.spool.path(Part.SNAPSHOT, archive_id))
    assert snapshot.attributes["application"] == "simple"
    assert [note.step for note in snapshot.notes][:1] == ["capture"]
    entry = world.journal.entry(archive_id)
    assert entry is not None
    assert entry.detail["rung"] == "record"
    path = world.spool.path(Part.ASSETS, archive_id)
    assert world.said[0] == f"Record of a crash without a core archived in {path}"
    assert world.said[1].endswith(str(path))


def test_a_record_that_no_worker_understands_is_kept(make: Make) -> None:
    world = make(hopeless)
    archive_id = world.put_record()

    world.work()
    assert world.state(archive_id) is State.FAILED
    world.pipeline.purge()
    assert world.spool.archive(archive_id) is not None

    world.pipeline.analyse = fine
    world.pipeline.retry(archive_id)
    world.work()
    assert world.state(archive_id) is State.READY


def test_what_is_being_dumped_is_not_touched_until_its_handler_is_done(
    make: Make,
) -> None:
    world = make()
    archive_id = world.put_record()
    path = world.spool.path(Part.ASSETS, archive_id)
    with path.open("rb") as handler:
        fcntl.flock(handler, fcntl.LOCK_EX)
        world.work()
        world.pipeline.purge()
        with pytest.raises(UsageError, match="being dumped"):
            world.pipeline.retry(archive_id)

        assert world.journal.entry(archive_id) is None
        assert world.said == []
        with world.spool.create(Part.CORE) as file:
            os.write(file.fd, b"core")
            world.spool.commit(Part.CORE, file, archive_id)

    world.work()
    assert world.state(archive_id) is State.READY
    events = [record.event for record in world.journal.history(archive_id)]
    assert events.count(Event.ARRIVED) == events.count(Event.FINISHED) == 1


def test_a_core_that_comes_after_its_record_was_read_is_analysed(make: Make) -> None:
    """Where locks do not work, a handler may be thought dead while it is not."""
    world = make(purge_core="never")
    archive_id = world.put_record()
    world.pipeline.analyse = lambda job, fd: {**GOOD, "rung": "record"}
    world.work()
    with world.spool.create(Part.CORE) as file:
        os.write(file.fd, b"core")
        world.spool.commit(Part.CORE, file, archive_id)
    world.pipeline.analyse = fine

    world.work()
    world.work()

    assert world.spool.path(Part.SNAPSHOT, archive_id).read_bytes() == b"snap"
    events = [record.event for record in world.journal.history(archive_id)]
    assert events.count(Event.FINISHED) == 2
    (archive,) = world.spool.archives()
    assert archive.has_core


# --- retry --------------------------------------------------------------------


def test_what_was_given_up_is_tried_again_when_asked(make: Make) -> None:
    world = make(hopeless)
    archive_id = world.put()
    world.work()
    world.pipeline.analyse = fine

    world.pipeline.retry(archive_id)
    world.work()

    assert world.state(archive_id) is State.READY


def test_a_hint_about_what_was_given_up_is_a_wish_to_try_again(make: Make) -> None:
    world = make(hopeless)
    archive_id = world.put()
    world.work()
    world.pipeline.analyse = fine

    world.pipeline.take(Crash(pid=0, signal=0, time=0, archive_id=archive_id))
    world.work()

    assert world.state(archive_id) is State.READY


def test_a_late_hint_about_what_is_done_does_nothing(make: Make) -> None:
    world = make(purge_core="never")
    archive_id = world.put()
    world.work()

    world.pipeline.take(Crash(pid=0, signal=0, time=0, archive_id=archive_id))
    world.work()

    events = [record.event for record in world.journal.history(archive_id)]
    assert events.count(Event.STARTED) == 1


def test_a_kept_core_is_analysed_again_when_asked(make: Make) -> None:
    world = make(purge_core="never")
    archive_id = world.put()
    world.work()

    world.pipeline.retry(archive_id)
    world.work()

    events = [record.event for record in world.journal.history(archive_id)]
    assert events.count(Event.FINISHED) == 2
    assert world.state(archive_id) is State.READY


def test_what_has_no_core_any_more_cannot_be_tried_again(make: Make) -> None:
    world = make()
    archive_id = world.put()
    world.work()

    with pytest.raises(UsageError, match="no core"):
        world.pipeline.retry(archive_id)
    with pytest.raises(MissingError):
        world.pipeline.retry("f" * 32)
    assert world.spool.archives()[0].has_snapshot


def test_one_archive_can_be_done_alone(make: Make) -> None:
    world = make()
    wanted, other = world.put(), world.put()

    outcome = world.pipeline.process(wanted)

    assert outcome is not None
    assert world.state(wanted) is State.READY
    assert world.state(other) is State.WAITING
    assert world.pipeline.process(wanted) is None


# --- arrivals -----------------------------------------------------------------


def test_a_dropped_core_is_taken_into_the_spool(make: Make, tmp_path: Path) -> None:
    world = make()
    drop = tmp_path / "simple.7.core"
    drop.write_bytes(freebsd_corewriter.write_core(notes=DROPPED))

    world.pipeline.take(Crash(pid=7, signal=11, time=1, core_path=str(drop)))
    world.work()

    assert not drop.exists()
    (archive,) = world.spool.archives()
    assert archive.has_snapshot
    assert archive.has_assets


def test_what_was_dropped_and_is_no_core_stays_and_is_said(
    make: Make, tmp_path: Path
) -> None:
    world = make()
    drop = tmp_path / "simple.7.core"
    drop.write_bytes(b"no core")

    world.pipeline.take(Crash(pid=7, signal=11, time=1, core_path=str(drop)))

    assert drop.exists()
    assert world.said[0].startswith(f"{drop} is left where it is: ")
    assert world.spool.archives() == []


def test_a_dropped_core_without_room_stays(make: Make, tmp_path: Path) -> None:
    world = make()
    world.pipeline.config = attrs.evolve(world.pipeline.config, dump_quota=100)
    drop = tmp_path / "simple.7.core"
    drop.write_bytes(freebsd_corewriter.write_core(notes=DROPPED))

    with pytest.raises(NoSpaceError):
        world.pipeline.take(Crash(pid=7, signal=11, time=1, core_path=str(drop)))

    assert drop.exists()
    assert world.spool.archives() == []


def test_a_dropped_core_that_policy_does_not_keep_goes_and_is_said(
    make: Make, tmp_path: Path
) -> None:
    world = make(keep="nothing")
    drop = tmp_path / "simple.7.core"
    drop.write_bytes(freebsd_corewriter.write_core(notes=DROPPED))

    world.pipeline.take(Crash(pid=7, signal=11, time=1, core_path=str(drop)))

    assert not drop.exists()
    assert world.said == ["crash of process 7 was not archived"]


def test_a_dropped_core_that_has_gone_is_no_trouble(make: Make, tmp_path: Path) -> None:
    world = make()

    world.pipeline.take(
        Crash(pid=7, signal=11, time=1, core_path=str(tmp_path / "none"))
    )

    assert world.spool.archives() == []


def test_a_crash_that_was_refused_is_said(make: Make) -> None:
    world = make()

    world.pipeline.take(Crash(pid=77, signal=11, time=1))

    assert world.said == ["crash of process 77 was not archived"]


# --- hostile spool ------------------------------------------------------------


def test_what_was_planted_under_an_id_is_left_alone(make: Make) -> None:
    world = make()
    pending = world.spool.directory / "pending"
    (pending / make_id()).symlink_to("/etc/passwd")
    os.mkfifo(pending / make_id())
    (pending / make_id()).mkdir()
    good = world.put()

    world.work()
    world.pipeline.purge()

    assert world.state(good) is State.READY
    assert len(os.listdir(pending)) == 3
    assert list(world.journal.entries()) == [good]


def test_a_link_planted_in_place_of_the_snapshot_is_not_written_through(
    make: Make, tmp_path: Path
) -> None:
    world = make(worker_attempts=2)
    archive_id, other = world.put(), world.put()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    world.spool.path(Part.SNAPSHOT, archive_id).symlink_to(victim)

    world.work()

    assert victim.read_text() == "precious"
    archive = world.spool.archive(archive_id)
    assert archive is not None
    assert archive.has_core
    entry = world.journal.entry(archive_id)
    assert entry is not None
    assert entry.state is State.FAILED
    assert "File exists" in entry.detail["reason"]
    assert world.state(other) is State.READY


def test_a_spool_full_of_strange_things_hides_no_crash_and_loses_none_of_them(
    make: Make, tmp_path: Path
) -> None:
    world = make()
    (tmp_path / "victim").write_text("precious")
    plants: list[Callable[[Path], object]] = [
        lambda path: os.mkfifo(path),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/etc/passwd"),
        lambda path: path.symlink_to(path.name),
        lambda path: os.link(tmp_path / "victim", path),
        lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    ]
    planted = []
    for part in Part:
        for number in range(300):
            name = make_id() if number % 2 else f"core.{number}"
            path = world.spool.directory / part / name
            plants[number % len(plants)](path)
            os.utime(path, (0, 0), follow_symlinks=False)
            planted.append(path)
    good, record = world.put(), world.put_record()

    world.work()
    world.pipeline.purge()
    world.work()

    assert (world.state(good), world.state(record)) == (State.READY, State.READY)
    assert world.journal.entries().keys() == {good, record}
    assert all(os.path.lexists(path) for path in planted)
    assert len(world.spool.intruders()) == len(planted)
    assert (tmp_path / "victim").read_text() == "precious"


# --- purge --------------------------------------------------------------------


def test_old_snapshots_go_with_everything_beside_them(make: Make) -> None:
    world = make(purge_sending_age=3600)
    old, new = world.put(), world.put()
    world.work()
    world.pass_time(7200)
    os.utime(world.spool.path(Part.SNAPSHOT, new), (time.time() + 7200,) * 2)

    world.pipeline.purge()

    assert [archive.id for archive in world.spool.archives()] == [new]
    assert world.state(old) is State.GONE


def test_an_old_file_that_came_just_now_is_not_old(make: Make) -> None:
    world = make(purge_sending_age=3600)
    archive_id = world.put()
    world.work()
    os.utime(world.spool.path(Part.SNAPSHOT, archive_id), (0, 0))

    world.pipeline.purge()

    assert world.spool.archive(archive_id) is not None


def test_what_somebody_reads_stays_until_it_is_closed(make: Make) -> None:
    world = make(purge_sending_age=3600)
    archive_id = world.put()
    world.work()
    reader = world.spool.open(Part.SNAPSHOT, archive_id)
    world.pass_time(7200)

    world.pipeline.purge()
    assert world.spool.path(Part.SNAPSHOT, archive_id).exists()
    assert world.state(archive_id) is State.READY
    os.close(reader)
    world.pipeline.purge()
    assert world.spool.archives() == []
    assert world.state(archive_id) is State.GONE


def test_old_assets_shrink_once_and_the_crash_is_still_known(make: Make) -> None:
    world = make(purge_assets_age=3600)
    archive_id = world.put()
    crash = crash_record.encode(Crash(pid=1, signal=11, time=0, path="/bin/simple"))
    members = {"crash.json": crash, "process/maps": bytes(100_000)}
    assets = world.spool.path(Part.ASSETS, archive_id)
    assets.write_bytes(pack_assets(members, 0))
    world.work()
    world.pass_time(7200)

    world.pipeline.purge()
    world.pipeline.purge()

    assert assets.stat().st_size < 50_000
    assert world.spool.archives()[0].application == "simple"
    entry = world.journal.entry(archive_id)
    assert entry is not None
    assert entry.detail["size"] == GOOD["size"]
    events = [record.event for record in world.journal.history(archive_id)]
    assert events.count(Event.ASSETS_REDUCED) == 1
    world.work()
    assert world.state(archive_id) is State.READY


def test_a_share_of_the_filesystem_bounds_what_is_kept(make: Make) -> None:
    alike = lambda job, fd: {**fine(job, fd), "fingerprint": "f"}  # noqa: E731
    world = make(alike, purge_size=Share(0))
    ids = [world.put() for _ in range(3)]
    for seconds, archive_id in enumerate(ids, 10):
        os.utime(world.spool.path(Part.CORE, archive_id), (seconds, seconds))
    world.work()
    for seconds, archive_id in enumerate(ids, 10):
        os.utime(world.spool.path(Part.SNAPSHOT, archive_id), (seconds, seconds))

    world.pipeline.purge()

    assert [archive.id for archive in world.spool.archives()] == ids[-1:]


def alike(job: Job, fd: int) -> dict[str, Any]:
    return {**fine(job, fd), "fingerprint": "f"}


def put_alike(world: World, count: int) -> list[str]:
    """Analyse so many crashes of one kind, one a second."""
    ids = [world.put() for _ in range(count)]
    for part in (Part.CORE, Part.SNAPSHOT):
        for seconds, archive_id in enumerate(ids, 10):
            os.utime(world.spool.path(part, archive_id), (seconds, seconds))
        world.work()
    return ids


def test_first_and_last_of_a_kind_stay_and_so_does_what_is_read(make: Make) -> None:
    world = make(alike, keep_first=1, keep_last=2)
    ids = put_alike(world, 6)
    reader = world.spool.open(Part.SNAPSHOT, ids[2])

    world.pipeline.purge()
    kept = {archive.id for archive in world.spool.archives()}
    assert kept == {ids[0], ids[2], ids[4], ids[5]}

    # It is still the third of its kind, not one of the first.
    os.close(reader)
    world.pipeline.purge()
    world.pipeline.purge()
    kept = {archive.id for archive in world.spool.archives()}
    assert kept == {ids[0], ids[4], ids[5]}


def test_nothing_at_all_goes_while_purging_is_disabled(make: Make) -> None:
    world = make(
        alike,
        purge_disabled=True,
        purge_sending_age=1,
        purge_pending_age=1,
        purge_assets_age=1,
        purge_size=1,
        keep_last=1,
    )
    put_alike(world, 3)
    before = world.spool.archives()
    world.pass_time(10 * 365 * 86400)

    world.pipeline.purge()

    assert world.spool.archives() == before
    assert all(archive.has_core and archive.has_snapshot for archive in before)


def test_the_only_one_of_its_kind_stays_however_little_room_there_is(
    make: Make,
) -> None:
    world = make(purge_size=1)
    ids = [world.put() for _ in range(3)]
    world.pipeline.analyse = lambda job, fd: {
        **fine(job, fd),
        "fingerprint": job.id,
        "checks": ["check.pid"],
    }
    world.work()

    world.pipeline.purge()
    world.pipeline.purge()

    archives = world.spool.archives()
    assert {archive.id for archive in archives} == set(ids)
    assert all(archive.has_snapshot for archive in archives)


def test_unfinished_files_of_yesterday_go(make: Make) -> None:
    world = make()
    leftover = world.spool.directory / "sending" / ".part-0123"
    leftover.write_text("half")
    os.utime(leftover, (0, 0))

    world.pipeline.purge()

    assert not leftover.exists()


def test_a_purge_never_touches_what_a_worker_reads(make: Make) -> None:
    def slow(job: Job, fd: int) -> dict[str, Any]:
        time.sleep(60)
        return {}

    world = make(slow, purge_pending_age=1, purge_sending_age=1)
    archive_id = world.put()
    os.utime(world.spool.path(Part.CORE, archive_id), (0, 0))
    world.pass_time(3600)
    world.pipeline.scan()
    world.pipeline.start_next()

    world.pipeline.purge()

    assert world.spool.archive(archive_id) is not None
    world.pipeline.abandon()


# --- a disk that is really full -----------------------------------------------


@pytest.mark.root
def test_a_full_disk_loses_nothing_and_is_caught_up_with(
    make: Make, tmp_path: Path
) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2M", "none", str(mount)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")

    def write_half_a_megabyte(job: Job, fd: int) -> dict[str, Any]:
        from coresnap.collect.spool import storage_error

        try:
            for _ in range(128):
                os.write(fd, bytes(4096))
        except OSError as error:
            raise storage_error("cannot write the snapshot", error) from error
        return dict(GOOD)

    try:
        world = make(write_half_a_megabyte, root=mount / "root")
        archive_id = world.put()
        filler = mount / "filler"
        free = os.statvfs(mount)
        filler.write_bytes(bytes((free.f_bavail - 60) * free.f_frsize))

        world.pipeline.scan()
        world.pipeline.start_next()
        assert world.pipeline.finish().verdict == Verdict.NO_ROOM
        assert world.spool.archives()[0].has_core

        filler.unlink()
        world.work()
        assert world.state(archive_id) is State.READY
        world.spool.close()
        world.journal.close()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


# --- where symbols come from ----------------------------------------------------------


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
@pytest.mark.parametrize("source", ["directory", "server"])
def test_what_is_missing_comes_from_where_the_settings_say(
    make: Make,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
    source: str,
) -> None:
    built = compile_program("inlines.c", "-g", "-O1", "-Wl,--build-id=sha1")
    program = tmp_path / "program"
    program.write_bytes(built.read_bytes())
    program.chmod(0o755)
    core = kernel_core([program])
    build_id = str(open_elf(program).build_id)
    program.unlink()
    with serving() as server:
        server.serve(build_id, "executable", built.read_bytes())
        places: dict[str, Any] = {"debuginfod_urls": (server.url,)}
        if source == "directory":
            places = {"symbol_directories": (built.parent,)}
        world = make(analyse_core, **places)
        archive_id = world.put(core.read_bytes())
        world.work()
    snapshot = read_snapshot(world.spool.path(Part.SNAPSHOT, archive_id))
    frame = snapshot.threads[0].frames[0]
    assert str(frame.file).endswith("inlines.c")
    fetched = world.pipeline.config.root / "debuginfod" / build_id / "executable"
    assert fetched.exists() == (source == "server")
