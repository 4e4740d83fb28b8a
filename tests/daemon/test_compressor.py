"""Cores that stay are compressed: nothing lost, nobody disturbed, no room taken."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.backends.fake import FakeBackend
from coresnap.collect.compression import compress_core
from coresnap.collect.journal import Event, Journal, State, read_entries
from coresnap.collect.seekable import MAGIC
from coresnap.collect.spool import Part, Spool, create_spool, make_id
from coresnap.collect.stored_core import Form, open_stored, write_pieces
from coresnap.config import load_config
from coresnap.daemon import compressor as compressing
from coresnap.daemon.compressor import Compressor
from coresnap.daemon.job import Job, with_plain_core
from coresnap.daemon.stages import Pipeline
from coresnap.errors import NoSpaceError

from .test_kill import start, wait_until

CORE = b"\x7fELF" + random.Random(5).randbytes(99_000) + b"text " * 400_000

pytestmark = pytest.mark.root


def fine(job: Job, fd: int) -> dict[str, Any]:
    """Analyse: the snapshot is how long the core is, and how it begins."""
    data = with_plain_core(job).core.read_bytes()
    os.write(fd, b"%d %s" % (len(data), data[:4]))
    return {"checks": [], "truncated": False, "size": 4}


@attrs.define
class World:
    """A pipeline, its compressor, and what was said."""

    pipeline: Pipeline
    compressor: Compressor
    said: list[str]

    @property
    def spool(self) -> Spool:
        return self.pipeline.spool

    def put(self, data: bytes = CORE) -> str:
        archive_id = make_id()
        with self.spool.create(Part.CORE) as file:
            os.write(file.fd, data)
            self.spool.commit(Part.CORE, file, archive_id)
        return archive_id

    def analyse(self) -> None:
        self.pipeline.scan()
        while self.pipeline.start_next() is not None:
            self.pipeline.finish()

    def compress(self) -> None:
        """Turn until there is nothing left to do."""
        deadline = time.monotonic() + 60
        self.compressor.turn(may_start=True)
        while self.compressor.is_busy:
            assert time.monotonic() < deadline
            time.sleep(0.002)
            self.compressor.turn(may_start=True)

    def stored(self, archive_id: str) -> bytes:
        return self.spool.path(Part.CORE, archive_id).read_bytes()

    def restored(self, archive_id: str) -> bytes:
        fd = self.spool.open(Part.CORE, archive_id)
        path = self.pipeline.config.root / "restored"
        try:
            with path.open("wb") as stream:
                write_pieces(open_stored(fd), stream.fileno(), lambda done: None)
        finally:
            os.close(fd)
        return path.read_bytes()

    def events(self, archive_id: str) -> list[Event]:
        return [record.event for record in self.pipeline.journal.history(archive_id)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "conf").touch()
    config = attrs.evolve(
        load_config(tmp_path / "conf"),
        root=tmp_path,
        user="root",
        dump_quota=0,
        compress="zstd",
        purge_core="never",
    )
    create_spool(config.spool)
    config.journal.parent.mkdir()
    said: list[str] = []
    with Spool(config.spool) as spool, Journal(config.journal) as journal:
        pipeline = Pipeline(
            config,
            spool,
            journal,
            FakeBackend(),
            fine,
            lambda sentence, **facts: said.append(sentence),
        )
        world = World(pipeline, Compressor(pipeline), said)
        yield world
        world.compressor.abandon()


def test_a_core_that_stays_is_compressed(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    before = world.spool.archive(archive_id)

    world.compress()

    after = world.spool.archive(archive_id)
    assert before is not None
    assert after is not None
    assert world.stored(archive_id).startswith(MAGIC)
    assert world.restored(archive_id) == CORE
    assert after.core_disk_size < before.core_disk_size // 4
    assert after.time == before.time
    assert world.events(archive_id)[-1] is Event.COMPRESSED
    assert any("is compressed: " in line for line in world.said)


def test_policy_still_knows_what_the_analysis_found(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    world.compress()

    entry = world.pipeline.journal.entry(archive_id)
    assert entry is not None
    assert entry.state is State.READY
    assert entry.detail["checks"] == []
    assert entry.detail["core"] == Form.ZSTD


def test_it_is_analysed_again_as_if_it_were_plain(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    world.compress()

    world.pipeline.retry(archive_id)
    world.analyse()

    snapshot = world.spool.path(Part.SNAPSHOT, archive_id).read_bytes()
    assert snapshot == b"%d \x7fELF" % len(CORE)
    assert world.stored(archive_id).startswith(MAGIC)
    assert len(list(world.spool.path(Part.CORE, "").iterdir())) == 1


def test_a_damaged_one_is_given_up_with_the_reason(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    world.compress()
    os.truncate(world.spool.path(Part.CORE, archive_id), 5000)

    world.pipeline.retry(archive_id)
    world.analyse()

    entry = world.pipeline.journal.entry(archive_id)
    assert entry is not None
    assert entry.state is State.FAILED
    assert "no seek table" in entry.detail["reason"]


def test_a_core_that_was_given_up_is_compressed_too(world: World) -> None:
    archive_id = world.put()
    world.pipeline.journal.record(archive_id, Event.ARRIVED)
    world.pipeline.journal.record(archive_id, Event.GAVE_UP, reason="no sense")

    world.compress()

    assert world.restored(archive_id) == CORE
    assert world.stored(archive_id).startswith(MAGIC)
    entry = world.pipeline.journal.entry(archive_id)
    assert entry is not None
    assert (entry.state, entry.detail["reason"]) == (State.FAILED, "no sense")


def test_a_core_that_waits_for_its_analysis_is_left_alone(world: World) -> None:
    archive_id = world.put()
    world.pipeline.scan()

    world.compress()

    assert world.stored(archive_id) == CORE


def test_nothing_is_compressed_unless_it_is_asked_for(world: World) -> None:
    world.pipeline.config = attrs.evolve(world.pipeline.config, compress="no")
    archive_id = world.put()
    world.analyse()

    world.compress()

    assert world.stored(archive_id) == CORE


def test_what_somebody_reads_is_left_for_later(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    reader = world.spool.open(Part.CORE, archive_id)

    world.compress()
    assert world.stored(archive_id) == CORE

    os.close(reader)
    world.compress()
    assert world.stored(archive_id).startswith(MAGIC)


def test_policy_does_not_remove_what_is_being_compressed(world: World) -> None:
    archive_id = world.put()
    world.analyse()

    world.compressor.turn(may_start=True)
    assert world.compressor.is_busy
    assert not world.spool.evict(Part.CORE, archive_id)

    world.compressor.abandon()
    assert world.spool.evict(Part.CORE, archive_id)


def test_a_core_that_went_meanwhile_does_not_come_back(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    world.compressor.turn(may_start=True)

    world.spool.remove(Part.CORE, archive_id)
    world.compress()

    assert not world.spool.path(Part.CORE, archive_id).exists()


def test_a_core_that_is_tried_again_meanwhile_stays_as_it_is(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    world.compressor.turn(may_start=True)

    world.pipeline.retry(archive_id)
    world.compress()
    assert world.stored(archive_id) == CORE

    world.analyse()
    world.compress()
    assert world.restored(archive_id) == CORE
    assert world.stored(archive_id).startswith(MAGIC)


@pytest.mark.parametrize("data", [random.Random(7).randbytes(3 << 20), b"small" * 99])
def test_what_gains_nothing_stays_plain_and_is_not_tried_again(
    world: World, data: bytes
) -> None:
    archive_id = world.put(data)
    world.analyse()

    world.compress()
    world.compressor.turn(may_start=True)

    assert not world.compressor.is_busy
    assert world.stored(archive_id) == data
    assert Event.COMPRESSED not in world.events(archive_id)


def test_without_room_nothing_begins(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    world.pipeline.config = attrs.evolve(world.pipeline.config, dump_quota=101)

    world.compress()
    assert world.stored(archive_id) == CORE

    world.pipeline.config = attrs.evolve(world.pipeline.config, dump_quota=0)
    world.compress()
    assert world.stored(archive_id).startswith(MAGIC)


def test_room_that_goes_while_it_works_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "core"
    path.write_bytes(random.Random(9).randbytes(20 << 20))
    job = Job("1" * 32, path, 0, None, None, ())
    with (tmp_path / "output").open("wb") as output, pytest.raises(NoSpaceError):
        compressing.compress_job(job, output.fileno(), 1 << 40, 101)


def test_a_child_that_dies_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(job: Job, fd: int, limit: int, quota: int) -> dict[str, Any]:
        os.write(fd, b"half a core")
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    monkeypatch.setattr(compressing, "compress_job", die)
    archive_id = world.put()
    world.analyse()

    world.compress()

    assert world.stored(archive_id) == CORE
    assert any("stays plain: the worker died of SIGKILL" in s for s in world.said)


def test_a_name_without_its_line_in_the_journal_gets_one(world: World) -> None:
    archive_id = world.put()
    world.analyse()
    fd = world.spool.open(Part.CORE, archive_id)
    with world.spool.create(Part.CORE) as file:
        compress_core(fd, file.fd, lambda done: None)
        world.spool.commit(Part.CORE, file, archive_id, replace=True)
    os.close(fd)

    world.compress()
    world.compress()

    assert world.events(archive_id).count(Event.COMPRESSED) == 1
    assert world.restored(archive_id) == CORE


# --- kill -9 of the daemon ------------------------------------------------------

CRASHES = 4
# The first commits are those of the snapshots.
STEPS = [
    (f"{when}:{step}", number)
    for step, numbers in (
        ("commit", (CRASHES + 1, 2 * CRASHES)),
        ("rename", (1, CRASHES)),
        ("compressed", (1, CRASHES)),
    )
    for when in ("before", "after")
    for number in numbers
]


@pytest.mark.parametrize(("step", "number"), STEPS)
def test_a_daemon_killed_at_any_step_loses_no_core(
    tmp_path: Path, step: str, number: int
) -> None:
    create_spool(tmp_path / "archive")
    (tmp_path / "journal").mkdir()
    cores = {make_id(): CORE + os.urandom(9) for _ in range(CRASHES)}
    with Spool(tmp_path / "archive") as spool:
        for archive_id, data in cores.items():
            with spool.create(Part.CORE) as file:
                os.write(file.fd, data)
                spool.commit(Part.CORE, file, archive_id)
    assert start(tmp_path, step, number, "zstd").wait(60) == -signal.SIGKILL
    pending = tmp_path / "archive" / "pending"

    for archive_id, data in cores.items():
        assert plain(pending / archive_id) == data
    daemon = start(tmp_path, "none", 1, "zstd")
    path = tmp_path / "journal" / "journal.sqlite"
    wait_until(lambda: count_compressed(path) == len(cores), daemon)
    daemon.send_signal(signal.SIGTERM)
    # If nothing was left to do, the signal may come before it is listened to.
    assert daemon.wait(30) in (0, -signal.SIGTERM)

    with Journal(path) as journal:
        for archive_id, data in cores.items():
            assert (pending / archive_id).read_bytes().startswith(MAGIC)
            assert plain(pending / archive_id) == data
            counts = Counter(r.event for r in journal.history(archive_id))
            assert (counts[Event.FINISHED], counts[Event.COMPRESSED]) == (1, 1)
    with Spool(tmp_path / "archive") as spool:
        assert spool.intruders() == []
        # Killed between its name and the core's, the file has one that is cleaned up.
        left = [name for _, name in spool.leftovers(2**40)]
    assert {path.name for path in pending.iterdir()} == {*cores, *left}
    assert len(left) == (step == "before:rename")


def count_compressed(path: Path) -> int:
    entries = read_entries(path).values()
    return sum(entry.detail.get("core") == Form.ZSTD for entry in entries)


def plain(path: Path) -> bytes:
    with path.open("rb") as stream:
        pieces = open_stored(stream.fileno()).pieces()
        return b"".join(p.data if p.data is not None else bytes(p.size) for p in pieces)
