"""Handlers that live and die while the daemon looks: each crash is one archive, once.

The handler here does the steps of ``native/catch/archive.c`` one at a time; the real
one is killed at every system call in ``tests/attacks``.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.backends import crash_record
from coresnap.backends.fake import FakeBackend
from coresnap.collect.assets import pack_assets
from coresnap.collect.journal import Event, Journal, State
from coresnap.collect.spool import Part, Spool, create_spool, make_id
from coresnap.config import Config, load_config
from coresnap.crash import Crash
from coresnap.daemon.job import Job
from coresnap.daemon.stages import Pipeline

CORE = b"the core"


def copy_source(job: Job, fd: int) -> dict[str, Any]:
    """Analyse: the snapshot says what it was made from."""
    os.write(fd, b"record" if job.is_record else job.core.read_bytes())
    rung = "record" if job.is_record else "full"
    return {"checks": [], "truncated": False, "rung": rung}


def dump(directory: Path, archive_id: str) -> Iterator[None]:
    """What a handler does, each durable step apart."""
    record = crash_record.encode(Crash(pid=1, signal=11, time=1))
    whole = pack_assets({"crash.json": record, "capture.json": b'{"rung": "full"}'}, 0)
    with Spool(directory) as spool:
        assets, core = spool.create(Part.ASSETS), spool.create(Part.CORE)
        os.write(assets.fd, whole[:1024])
        fcntl.flock(assets.fd, fcntl.LOCK_EX)
        yield
        spool.commit(Part.ASSETS, assets, archive_id)
        yield
        os.write(core.fd, CORE)
        yield
        os.write(assets.fd, whole[1024:])
        os.fsync(assets.fd)
        yield
        spool.commit(Part.CORE, core, archive_id)
        yield


STEPS = 5
NAMED, COMMITTED = 2, 5
"""After how many steps the record has its name, and the core."""


@attrs.define
class Handler:
    """A child that takes a step of ``dump`` whenever it is told to."""

    pid: int
    _orders: int
    _answers: int

    def step(self) -> None:
        os.write(self._orders, b"!")
        assert os.read(self._answers, 1) == b"!"

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._orders)
        os.close(self._answers)


def start_handler(directory: Path, archive_id: str) -> Handler:
    orders, told = os.pipe()
    answered, answers = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(told)
        steps = dump(directory, archive_id)
        while os.read(orders, 1):
            next(steps)
            os.write(answers, b"!")
        os._exit(0)
    os.close(orders)
    os.close(answers)
    return Handler(pid, told, answered)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "conf").touch()
    config = attrs.evolve(
        load_config(tmp_path / "conf"),
        root=tmp_path,
        user="root",
        dump_quota=0,
        purge_core="never",
        purge_sending_age=1 << 40,
    )
    create_spool(config.spool)
    config.journal.parent.mkdir()
    return config


def run_daemon(config: Config) -> None:
    """Start a daemon, let it do what there is to do, and end it."""
    with Spool(config.spool) as spool, Journal(config.journal) as journal:
        pipeline = Pipeline(
            config, spool, journal, FakeBackend(), copy_source, lambda *_, **__: None
        )
        pipeline.scan()
        while pipeline.start_next() is not None:
            pipeline.finish()
        pipeline.purge()


def kill_daemon_over_worker(config: Config) -> None:
    """Let a daemon begin whatever waits, and die with its worker."""
    with Spool(config.spool) as spool, Journal(config.journal) as journal:
        pipeline = Pipeline(
            config, spool, journal, FakeBackend(), copy_source, lambda *_, **__: None
        )
        pipeline.scan()
        worker = pipeline.start_next()
        if worker is not None:
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)


def do_nothing(config: Config) -> None:
    """There is no daemon."""


WAYS = (run_daemon, kill_daemon_over_worker, do_nothing)
Look = Callable[[Config], None]


def check_one(config: Config, archive_id: str, source: bytes | None) -> None:
    with Spool(config.spool) as spool, Journal(config.journal) as journal:
        if source is None:
            assert spool.archives() == []
            assert journal.entries() == {}
            return
        (archive,) = spool.archives()
        assert archive.id == archive_id
        assert archive.has_core == (source == CORE)
        assert spool.path(Part.SNAPSHOT, archive_id).read_bytes() == source
        assert spool.leftovers(2**40) == []
        assert spool.intruders() == []
        counts = Counter(record.event for record in journal.history(archive_id))
        assert (counts[Event.ARRIVED], counts[Event.FINISHED]) == (1, 1)
        assert [entry.state for entry in journal.entries().values()] == [State.READY]


@pytest.mark.parametrize("look", WAYS, ids=lambda look: look.__name__)
@pytest.mark.parametrize("steps", range(STEPS + 1))
def test_a_handler_that_dies_leaves_one_archive_once_its_record_has_a_name(
    config: Config, steps: int, look: Look
) -> None:
    archive_id = make_id()
    handler = start_handler(config.spool, archive_id)
    for _ in range(steps):
        look(config)
        handler.step()
        look(config)
    handler.kill()
    look(config)

    run_daemon(config)
    run_daemon(config)

    source = CORE if steps >= COMMITTED else b"record" if steps >= NAMED else None
    check_one(config, archive_id, source)


@pytest.mark.parametrize("second", WAYS, ids=lambda look: look.__name__)
@pytest.mark.parametrize("first", WAYS, ids=lambda look: look.__name__)
def test_whatever_the_daemon_saw_a_core_that_was_committed_is_the_archive(
    config: Config, first: Look, second: Look
) -> None:
    archive_id = make_id()
    handler = start_handler(config.spool, archive_id)
    for _, look in zip(range(STEPS), itertools.cycle((first, second)), strict=False):
        handler.step()
        look(config)
    handler.kill()

    run_daemon(config)
    run_daemon(config)

    check_one(config, archive_id, CORE)


def test_handlers_of_one_moment_do_not_disturb_each_other(config: Config) -> None:
    """One that dies at each step, all at the same time, in a round."""
    ids = [make_id() for _ in range(STEPS + 1)]
    handlers = [start_handler(config.spool, archive_id) for archive_id in ids]
    for done in range(STEPS):
        for handler in handlers[done + 1 :]:
            handler.step()
        run_daemon(config)
        handlers[done].kill()
        run_daemon(config)
    handlers[STEPS].kill()
    run_daemon(config)

    with Spool(config.spool) as spool:
        found = {archive.id: archive for archive in spool.archives()}
        snapshots = {i: spool.path(Part.SNAPSHOT, i).read_bytes() for i in found}
    assert found.keys() == set(ids[NAMED:])
    assert [snapshots[i] for i in ids[NAMED:COMMITTED]] == [b"record"] * 3
    assert snapshots[ids[COMMITTED]] == CORE
