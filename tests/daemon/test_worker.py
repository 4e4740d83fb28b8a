"""The disposable child: its limits, its confinement, and its death as a result."""

from __future__ import annotations

import mmap
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.backends.fake import FakeBackend
from coresnap.backends.linux import LinuxBackend
from coresnap.config import Config, load_config
from coresnap.daemon import worker as worker_module
from coresnap.daemon.job import Job
from coresnap.daemon.worker import Outcome, Verdict, Worker
from coresnap.errors import CoreFormatError, NoSpaceError, WorkerError
from kernel import core_pattern_left_alone

MIB = 1 << 20


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "conf").write_text("")
    return attrs.evolve(
        load_config(tmp_path / "conf"), root=tmp_path, user="root", worker_time=30
    )


@pytest.fixture
def output(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "output", os.O_RDWR | os.O_CREAT, 0o600)
    yield fd
    os.close(fd)


def job(tmp_path: Path, size: int = 0) -> Job:
    return Job("0" * 32, tmp_path / "core", size, None, None, ())


Run = Callable[..., Outcome]


@pytest.fixture
def run(config: Config, output: int, tmp_path: Path) -> Run:
    def run(
        analyse: Callable[[Job, int], dict[str, Any]],
        *,
        owner: tuple[int, int] | None = None,
        **settings: Any,  # noqa: ANN401 - fields of Config
    ) -> Outcome:
        changed = attrs.evolve(config, **settings)
        backend = LinuxBackend(changed)
        return Worker(job(tmp_path), output, changed, backend, analyse, owner).wait()

    return run


def test_a_snapshot_and_its_facts_come_back(run: Run, output: int) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        os.write(fd, b"snapshot")
        return {"size": 8, "id": job.id}

    outcome = run(analyse)

    assert outcome.verdict == Verdict.DONE
    assert outcome.reason == ""
    assert outcome.facts == {"size": 8, "id": "0" * 32}
    assert outcome.seconds > 0
    assert os.pread(output, 100, 0) == b"snapshot"


def test_a_worker_that_has_said_something_is_still_at_work(
    config: Config, output: int, tmp_path: Path
) -> None:
    go = tmp_path / "go"

    def analyse(job: Job, fd: int) -> dict[str, Any]:
        while not go.exists():
            time.sleep(0.001)
        return {"went": True}

    backend = FakeBackend()
    worker = Worker(job(tmp_path), output, config, backend, analyse, None)
    # It tells how it is confined before it begins.
    assert select.select([worker], [], [], 60)[0]
    assert not worker.has_ended()
    assert not select.select([worker], [], [], 0)[0]
    go.touch()
    outcome = worker.wait()

    assert (outcome.verdict, outcome.facts) == (Verdict.DONE, {"went": True})


def test_what_the_core_is_guilty_of_is_not_tried_again(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        raise CoreFormatError("this is not an ELF core")

    outcome = run(analyse)

    assert outcome.verdict == Verdict.HOPELESS
    assert outcome.reason == "this is not an ELF core"


def test_a_full_disk_is_not_the_core_s_fault(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        raise NoSpaceError("no room")

    assert run(analyse).verdict == Verdict.NO_ROOM


def test_a_bug_is_a_sentence_with_its_place(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        raise IndexError("oops")

    outcome = run(analyse)

    assert outcome.verdict == Verdict.BROKE
    assert outcome.reason.startswith("IndexError: oops (test_worker.py:")


def test_endless_recursion_and_exit_are_results(run: Run) -> None:
    def recurse(job: Job, fd: int) -> dict[str, Any]:
        return recurse(job, fd)

    def leave(job: Job, fd: int) -> dict[str, Any]:
        raise SystemExit(0)

    assert "RecursionError" in run(recurse).reason
    assert run(leave).verdict == Verdict.BROKE


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_its_death_is_a_result(run: Run, number: signal.Signals) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        os.kill(os.getpid(), number)
        return {}

    with core_pattern_left_alone():
        outcome = run(analyse)

    assert outcome.verdict == Verdict.BROKE
    assert number.name in outcome.reason


# --- limits -------------------------------------------------------------------


def test_time_by_the_clock_is_limited(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        time.sleep(100)
        return {}

    outcome = run(analyse, worker_time=1)

    assert outcome.verdict == Verdict.BROKE
    assert "worker.time" in outcome.reason
    assert outcome.seconds < 50


def test_processor_time_is_limited(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        while True:
            pass

    outcome = run(analyse, worker_cpu=1)

    assert "worker.cpu" in outcome.reason


def test_memory_is_limited(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        return {"size": len(bytearray(400 * MIB))}

    outcome = run(analyse, worker_memory=200 * MIB)

    assert outcome.verdict == Verdict.BROKE
    assert "worker.memory" in outcome.reason


def test_address_space_is_limited(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        # Mapped for reading: of no account as memory, and more than any core has.
        return {"size": len(mmap.mmap(-1, 1 << 40, prot=mmap.PROT_READ))}

    outcome = run(analyse)

    assert outcome.verdict == Verdict.BROKE
    assert "Cannot allocate memory" in outcome.reason


def test_open_files_are_limited(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        return {"files": [os.dup(fd) for _ in range(5000)]}

    outcome = run(analyse)

    assert outcome.verdict == Verdict.BROKE
    assert "Too many open files" in outcome.reason


def test_a_mapped_core_does_not_count_as_memory(
    config: Config, output: int, tmp_path: Path
) -> None:

    size = 20 << 30
    with (tmp_path / "core").open("wb") as stream:
        stream.truncate(size)

    def analyse(job: Job, fd: int) -> dict[str, Any]:
        with (
            job.core.open("rb") as core,
            mmap.mmap(core.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            return {"size": len(mapped), "last": mapped[-1]}

    limited = attrs.evolve(config, worker_memory=500 * MIB)
    outcome = Worker(
        job(tmp_path, size), output, limited, FakeBackend(), analyse, None
    ).wait()

    assert outcome.facts == {"size": size, "last": 0}


def test_the_size_of_the_snapshot_is_limited(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "OUTPUT_LIMIT", 1 << 16)

    def analyse(job: Job, fd: int) -> dict[str, Any]:
        for _ in range(100):
            os.write(fd, bytes(4096))
        return {}

    outcome = run(analyse)

    assert outcome.verdict == Verdict.BROKE
    assert "grew beyond 65536 bytes" in outcome.reason


def test_no_core_is_left_of_a_worker(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        return {"limit": resource.getrlimit(resource.RLIMIT_CORE)}

    assert run(analyse).facts["limit"] == [0, 0]


# --- confinement --------------------------------------------------------------


@pytest.mark.linux
def test_it_has_nothing_of_the_daemon_s(run: Run, output: int) -> None:
    secret = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(secret, True)

    def analyse(job: Job, fd: int) -> dict[str, Any]:
        targets = {}
        for number in range(256):
            try:
                targets[number] = os.readlink(f"/proc/self/fd/{number}")
            except OSError:
                continue
        return {"targets": list(targets.values())}

    outcome = run(analyse)
    os.close(secret)

    files = {t for t in outcome.facts["targets"] if not t.startswith("pipe:")}
    assert "/etc/passwd" not in files
    assert any(name.endswith("/output") for name in files)


@pytest.mark.root
def test_it_becomes_the_archive_s_user_for_good(run: Run) -> None:
    def analyse(job: Job, fd: int) -> dict[str, Any]:
        try:
            os.setuid(0)
            back = True
        except OSError:
            back = False
        return {
            "ids": [os.getresuid(), os.getresgid()],
            "groups": os.getgroups(),
            "back": back,
        }

    outcome = run(analyse, owner=(65534, 65534))

    assert outcome.reason == ""
    assert outcome.facts == {
        "ids": [[65534] * 3, [65534] * 3],
        "groups": [],
        "back": False,
    }


@pytest.mark.root
@pytest.mark.linux
def test_r25_it_has_no_network_and_no_way_to_new_privileges(run: Run) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()

    def analyse(job: Job, fd: int) -> dict[str, Any]:
        status = Path("/proc/self/status").read_text()
        try:
            socket.create_connection(address, timeout=2).close()
            reached = True
        except OSError:
            reached = False
        return {"reached": reached, "no_new_privs": "NoNewPrivs:\t1" in status}

    outcome = run(analyse)
    listener.close()

    assert {"no-network", "no-new-privileges", "dies-with-daemon"} <= set(
        outcome.confinement
    )
    assert outcome.facts == {"reached": False, "no_new_privs": True}


@pytest.mark.root
def test_an_unprivileged_one_is_confined_as_well(run: Run) -> None:
    outcome = run(lambda job, fd: {}, owner=(65534, 65534))

    assert outcome.verdict == Verdict.DONE
    assert "no-new-privileges" in outcome.confinement
    assert "first-out-of-memory" in outcome.confinement


def test_a_system_without_room_for_a_process_is_an_error(
    config: Config, output: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(WorkerError, match="Resource temporarily unavailable"):
        Worker(job(tmp_path), output, config, FakeBackend(), lambda j, f: {}, None)
