"""kill -9 of daemon and worker, at every durable step: nothing lost, nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from conftest import Tally
from coresnap.backends import crash_record
from coresnap.collect.assets import pack_assets
from coresnap.collect.journal import Event, Journal, State
from coresnap.collect.spool import Part, Spool, create_spool, make_id
from coresnap.crash import Crash

SCRIPT = Path(__file__).with_name("mortal.py")
STEPS = [
    *(
        f"{when}:{event}"
        for event in (
            *(Event.ARRIVED, Event.STARTED, Event.MADE),
            *(Event.FINISHED, Event.CORE_REMOVED),
        )
        for when in ("before", "after")
    ),
    *("before:commit", "after:commit", "before:remove", "after:remove"),
    *("worker:begin", "worker:half", "worker:end"),
]
CRASHES = 3
"""Two with a core, and the record of one without."""
MANY = 200
DAY = 24 * 3600 * 10**9

pytestmark = pytest.mark.root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_spool(tmp_path / "archive")
    (tmp_path / "journal").mkdir()
    return tmp_path


def put(spool: Spool, part: Part, archive_id: str, data: bytes) -> None:
    with spool.create(part) as file:
        os.write(file.fd, data)
        spool.commit(part, file, archive_id)


def put_crashes(root: Path, count: int = CRASHES) -> dict[str, bytes]:
    """Archive crashes, each older than the one before it; every third has no core.

    Returns what a snapshot is made from, by id.
    """
    sources = {}
    yesterday = time.time_ns() - DAY
    with Spool(root / "archive") as spool:
        for number in range(count):
            archive_id = make_id()
            crash = Crash(pid=number + 1, signal=11, time=yesterday - number)
            members = {"crash.json": crash_record.encode(crash)}
            assets = pack_assets({**members, "process/comm": os.urandom(9)}, 0)
            put(spool, Part.ASSETS, archive_id, assets)
            sources[archive_id] = assets
            if number % 3 != 2:
                sources[archive_id] = os.urandom(3000)
                put(spool, Part.CORE, archive_id, sources[archive_id])
    return sources


def start(
    root: Path, step: str = "none", number: int = 1, *more: str
) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPT), str(root), step, str(number), *more]
    with (root / "log").open("ab") as log:
        return subprocess.Popen(command, stderr=log)


def wait_until(condition: Callable[[], bool], daemon: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert daemon.poll() is None, "the daemon ended"
        assert time.monotonic() < deadline, "the work is never done"
        time.sleep(0.01)


def finish(root: Path, crashes: dict[str, bytes]) -> None:
    """Run a daemon that nobody kills until everything is done."""
    daemon = start(root)

    def done() -> bool:
        with Spool(root / "archive") as spool:
            archives = spool.archives()
        return len(archives) == len(crashes) and all(
            archive.has_snapshot and not archive.has_core for archive in archives
        )

    wait_until(done, daemon)
    daemon.send_signal(signal.SIGTERM)
    # If nothing was left to do, the signal may come before it is listened to.
    assert daemon.wait(60) in (0, -signal.SIGTERM)


def check_nothing_lost_nothing_twice(root: Path, crashes: dict[str, bytes]) -> None:
    with Spool(root / "archive") as spool:
        for archive_id, data in crashes.items():
            assert spool.path(Part.SNAPSHOT, archive_id).read_bytes() == data[::-1]
        assert spool.leftovers(2**40) == []
        assert spool.intruders() == []
    with Journal(root / "journal" / "journal.sqlite") as journal:
        assert {e.state for e in journal.entries().values()} == {State.READY}
        for archive_id in crashes:
            counts = Counter(record.event for record in journal.history(archive_id))
            assert counts[Event.ARRIVED] == 1
            assert counts[Event.FINISHED] == 1
            assert counts[Event.GAVE_UP] == 0


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_a_daemon_killed_at_any_step_is_resumed(
    root: Path, tally: Tally, step: str, number: int
) -> None:
    crashes = put_crashes(root)
    daemon = start(root, step, number)
    assert daemon.wait(60) == -signal.SIGKILL, (root / "log").read_text()

    finish(root, crashes)

    check_nothing_lost_nothing_twice(root, crashes)
    runs = Counter((root / "runs").read_text().split())
    # Only the one that was being worked on when it happened may have run again.
    assert sorted(runs.values()) in (
        [1] * CRASHES,
        [1] * (CRASHES - 1) + [2],
    )
    tally("daemon or worker killed at any step of a crash", whole=1)


def test_a_daemon_killed_again_and_again_gets_there(root: Path) -> None:
    crashes = put_crashes(root)
    for step in STEPS:
        (root / "worker-step").unlink(missing_ok=True)
        daemon = start(root, step)
        try:
            daemon.wait(1)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    finish(root, crashes)

    check_nothing_lost_nothing_twice(root, crashes)


def test_what_waited_while_the_daemon_was_down_is_done_in_order_and_once(
    root: Path,
) -> None:
    crashes = put_crashes(root, MANY)
    # Killed at every kind of step, each time a little later than the last time.
    for number, step in enumerate(STEPS, 1):
        (root / "worker-step").unlink(missing_ok=True)
        daemon = start(root, step, number)
        assert daemon.wait(60) == -signal.SIGKILL, (root / "log").read_text()

    finish(root, crashes)

    check_nothing_lost_nothing_twice(root, crashes)
    runs = (root / "runs").read_text().split()
    # The oldest first; what was interrupted is the first again.
    assert list(dict.fromkeys(runs)) == list(reversed(crashes))
    assert len(runs) <= MANY + len(STEPS)


def test_a_worker_that_is_killed_is_a_failed_attempt_and_no_more(root: Path) -> None:
    crashes = put_crashes(root)
    daemon = start(root, "worker:dies")

    def done() -> bool:
        with Spool(root / "archive") as spool:
            return all(a.has_snapshot for a in spool.archives())

    wait_until(done, daemon)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(60) == 0

    check_nothing_lost_nothing_twice(root, crashes)
    with Journal(root / "journal" / "journal.sqlite") as journal:
        reasons = [
            record.detail["reason"]
            for archive_id in crashes
            for record in journal.history(archive_id)
            if record.event is Event.BROKE
        ]
    assert reasons == ["the worker died of SIGKILL"]


def commands() -> list[list[str]]:
    """The command line of each process; a worker has its daemon's."""
    found = psutil.process_iter(["cmdline"])
    return [process.info["cmdline"] or [] for process in found]


def test_a_worker_that_outlives_its_daemon_leaves_nothing(root: Path) -> None:
    put_crashes(root, 1)
    daemon = start(root, "worker:half")
    assert daemon.wait(60) == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while any(str(root) in command for command in commands()):
        assert time.monotonic() < deadline, "the worker is still there"
        time.sleep(0.01)

    assert os.listdir(root / "archive" / "sending") == []
