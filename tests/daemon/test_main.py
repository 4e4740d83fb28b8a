"""coresnapd as a process: told, idle, stopped, and never two of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

import kernel
from coresnap.backends.linux import LinuxBackend
from coresnap.collect.journal import is_locked
from coresnap.collect.spool import Part, Spool, make_id
from coresnap.config import Config, load_config
from coresnap.snapshot.container import read_snapshot
from shortpath import short_directory

pytestmark = pytest.mark.root

HERE = Path(__file__).parent
SOURCE = Path(sys.modules["coresnap"].__file__ or "").parent.parent


@attrs.define
class Machine:
    """A configuration in a directory of its own, and daemons that run on it."""

    config: Config
    daemons: list[subprocess.Popen[str]] = attrs.field(factory=list)

    def start(
        self, *words: str, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "coresnap.daemon.main", *words]
        command += ["--foreground", "--config", str(self.config.source)]
        daemon = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)} | (environment or {}),
        )
        self.daemons.append(daemon)
        return daemon

    def started(self, *words: str) -> subprocess.Popen[str]:
        daemon = self.start(*words)
        self.read_until(daemon, "waits for crashes")
        return daemon

    def read_until(self, daemon: subprocess.Popen[str], text: str) -> list[str]:
        assert daemon.stderr is not None
        lines: list[str] = []
        for line in daemon.stderr:
            lines.append(line)
            if text in line:
                return lines
        pytest.fail(f"the daemon ended without saying {text!r}: {lines}")

    def stop(self, daemon: subprocess.Popen[str]) -> str:
        daemon.send_signal(signal.SIGTERM)
        _, rest = daemon.communicate(timeout=60)
        assert daemon.returncode == 0
        return rest


@pytest.fixture
def machine() -> Iterator[Machine]:
    with short_directory() as root:
        yield from make_machine(root)


def make_machine(root: Path) -> Iterator[Machine]:
    source = root / "coresnap.conf"
    source.write_text(
        f"[archive]\nroot = {root}/r\nhandler = {root}/lib/catch\ndump.quota = 0%\n"
        f"door.socket = {root}/s/c\n"
        f"[daemon]\nuser = nobody\nsocket = {root}/s/n\n"
    )
    machine = Machine(load_config(source))
    yield machine
    for daemon in machine.daemons:
        if daemon.poll() is None:
            daemon.kill()
        daemon.communicate()


@pytest.fixture
def installed(machine: Machine) -> Iterator[Machine]:
    backend = LinuxBackend(machine.config)
    with kernel.core_pattern("core"):
        backend.install()
        yield machine
        backend.uninstall()


def crash() -> None:
    run = kernel.run_unlimited(["/bin/sh", "-c", "kill -SEGV $$"])
    assert run.returncode == -signal.SIGSEGV


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.core_pattern
def test_a_crash_becomes_a_snapshot_without_anybody_asking(installed: Machine) -> None:
    daemon = installed.started()
    crash()
    installed.read_until(daemon, "processed in")
    assert "coresnapd ends" in installed.stop(daemon)

    with Spool(installed.config.spool) as spool:
        (archive,) = spool.archives()
        snapshot = read_snapshot(spool.path(Part.SNAPSHOT, archive.id))
    assert archive.has_snapshot
    assert not archive.has_core
    assert snapshot.signal is not None
    assert snapshot.signal.name == "SIGSEGV"
    assert snapshot.attributes["coresnap.object"] == archive.id


@pytest.mark.core_pattern
def test_what_came_while_it_was_down_is_found_at_the_start(installed: Machine) -> None:
    crash()
    crash()

    daemon = installed.started()
    for _ in range(2):
        installed.read_until(daemon, "processed in")

    with Spool(installed.config.spool) as spool:
        assert [a.has_snapshot for a in spool.archives()] == [True, True]


@pytest.mark.core_pattern
def test_started_by_root_it_is_root_no_more(installed: Machine) -> None:
    daemon = installed.started()

    status = Path(f"/proc/{daemon.pid}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status


def put(config: Config, data: bytes) -> str:
    archive_id = make_id()
    path = config.spool / "pending" / archive_id
    path.write_bytes(data)
    os.chown(path, 65534, 65534)
    return archive_id


@pytest.mark.core_pattern
def test_what_is_no_core_is_given_up_with_its_reason(installed: Machine) -> None:
    archive_id = put(installed.config, b"not a core")
    daemon = installed.started("--json")

    lines = installed.read_until(daemon, "given up")

    line = json.loads(lines[-1])
    assert line["id"] == archive_id
    assert line["reason"]


@pytest.mark.core_pattern
def test_idle_it_sleeps(installed: Machine) -> None:
    daemon = installed.started()

    def ticks() -> int:
        fields = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def switches() -> int:
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        (line,) = [x for x in status.splitlines() if x.startswith("voluntary")]
        return int(line.split()[1])

    def slept() -> bool:
        before = ticks(), switches()
        time.sleep(1.5)
        return (ticks(), switches()) == before

    # What it does when it starts may take a while.
    wait_for(slept)


@pytest.mark.core_pattern
def test_there_is_never_a_second_one(installed: Machine) -> None:
    first = installed.started()

    second = installed.start()
    _, said = second.communicate(timeout=60)

    assert second.returncode == 74
    assert "runs already" in said
    assert is_locked(installed.config.journal) == first.pid
    installed.stop(first)
    assert is_locked(installed.config.journal) is None


@pytest.mark.core_pattern
def test_the_manager_is_told(installed: Machine) -> None:
    path = installed.config.root.parent / "manager"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        path.chmod(0o777)
        manager.settimeout(30)
        daemon = installed.start(environment={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(200).decode() == f"READY=1\nMAINPID={daemon.pid}"
        installed.stop(daemon)
        assert manager.recv(200) == b"STOPPING=1"


def test_without_a_spool_it_says_what_to_do(machine: Machine) -> None:
    daemon = machine.start()
    _, said = daemon.communicate(timeout=60)

    assert daemon.returncode == 66
    assert "coresnap install" in said


def test_without_its_user_it_says_what_to_do(machine: Machine) -> None:
    source = machine.config.source
    assert source is not None
    source.write_text(source.read_text().replace("nobody", "nosuchuser"))

    daemon = machine.start()
    _, said = daemon.communicate(timeout=60)

    assert daemon.returncode == 69
    assert "no user nosuchuser" in said


@pytest.mark.core_pattern
def test_detached_it_lives_on_without_a_terminal(installed: Machine) -> None:
    command = [sys.executable, "-m", "coresnap.daemon.main"]
    command += ["--config", str(installed.config.source)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    subprocess.run(command, env=environment, check=True, timeout=60)

    wait_for(lambda: is_locked(installed.config.journal) is not None)
    pid = is_locked(installed.config.journal)
    assert pid
    try:
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        assert os.getsid(pid) not in (pid, os.getsid(0))
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: is_locked(installed.config.journal) is None)


@pytest.mark.core_pattern
def test_many_at_once_are_all_done(installed: Machine) -> None:
    for _ in range(40):
        put(installed.config, b"not a core")
    daemon = installed.started()
    for _ in range(40):
        put(installed.config, b"not a core either")
    crash()

    for _ in range(80):
        installed.read_until(daemon, "given up")

    wait_for(lambda: snapshots(installed.config) == 1)


def snapshots(config: Config) -> int:
    with Spool(config.spool) as spool:
        return spool.usage()[Part.SNAPSHOT].objects


@pytest.mark.core_pattern
def test_ten_thousand_strange_names_are_a_few_lines_in_the_log(
    installed: Machine,
) -> None:
    pending = installed.config.spool / "pending"
    for number in range(10_000):
        (pending / f"core.{number}").touch()

    lines = installed.read_until(installed.start(), "waits for crashes")

    warnings = [line for line in lines if "not ours" in line]
    assert len(warnings) <= 21
    assert "9980 more names" in warnings[-1]
