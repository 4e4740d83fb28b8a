"""The socket while coresnapd runs, and the pipe whenever it does not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import kernel
from conftest import CompileProgram
from containers import build_image, crash_contained
from coresnap.backends.base import Finding
from coresnap.backends.linux import LinuxBackend
from coresnap.collect.spool import Part, Spool
from coresnap.daemon import warden as warden_module
from coresnap.snapshot.container import read_snapshot
from shortpath import short_directory

from .test_main import Machine, crash, make_machine, wait_for

MODES = Path("/proc/sys/kernel/core_modes")
pytestmark = [
    pytest.mark.root,
    pytest.mark.core_pattern,
    pytest.mark.skipif(
        not MODES.exists() or "socket" not in MODES.read_text(),
        reason="this kernel sends no cores to sockets (Linux 6.16 does)",
    ),
]


@pytest.fixture
def installed() -> Iterator[Machine]:
    with short_directory() as root, kernel.core_pattern("core"):
        for machine in make_machine(root):
            LinuxBackend(machine.config).install()
            yield machine
            LinuxBackend(machine.config).uninstall()


def pattern() -> str:
    return kernel.CORE_PATTERN.read_text().strip()


def servers(machine: Machine) -> set[int]:
    """Pids of the processes that serve the socket."""
    handler = str(machine.config.handler)
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].decode() == handler and b"-l" in words:
            found.add(int(directory.name))
    return found


def warden_of(daemon: subprocess.Popen[str]) -> int:
    path = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children")
    (child,) = path.read_text().split()
    return int(child)


@pytest.mark.compiler
@pytest.mark.libdw
def test_a_container_s_modules_are_kept_through_the_socket_too(
    installed: Machine, compile_program: CompileProgram, tmp_path: Path
) -> None:
    image = build_image(compile_program, tmp_path)
    (tmp_path / "root").mkdir()
    daemon = installed.started()

    crash_contained(image, tmp_path / "root")
    installed.read_until(daemon, "processed in")
    installed.stop(daemon)

    with Spool(installed.config.spool) as spool:
        (archive,) = spool.archives()
        snapshot = read_snapshot(spool.path(Part.SNAPSHOT, archive.id))
    assert snapshot.attributes["capture.door"] == "socket"
    frames = snapshot.threads[0].frames[:2]
    assert [frame.function for frame in frames] == ["sink", "main"]


def test_a_crash_through_the_socket_becomes_a_snapshot(installed: Machine) -> None:
    pipe = pattern()
    daemon = installed.started()
    assert pattern() == f"@@{installed.config.door_socket}"
    assert installed.config.door_socket.stat().st_mode & 0o777 == 0o600

    crash()
    installed.read_until(daemon, "processed in")
    installed.stop(daemon)

    with Spool(installed.config.spool) as spool:
        (archive,) = spool.archives()
        snapshot = read_snapshot(spool.path(Part.SNAPSHOT, archive.id))
    assert snapshot.attributes["capture.door"] == "socket"
    assert snapshot.signal is not None
    assert snapshot.signal.name == "SIGSEGV"
    assert pattern() == pipe
    assert not installed.config.door_socket.exists()


def test_only_the_daemon_gives_up_its_rights(installed: Machine) -> None:
    daemon = installed.started()

    uid = os.stat(f"/proc/{daemon.pid}").st_uid
    assert uid == 65534
    assert os.stat(f"/proc/{warden_of(daemon)}").st_uid == 0


@pytest.mark.parametrize("who", ["daemon", "warden"])
def test_the_pipe_is_back_when_one_of_them_is_killed(
    installed: Machine, who: str
) -> None:
    pipe = pattern()
    daemon = installed.started()
    os.kill(daemon.pid if who == "daemon" else warden_of(daemon), signal.SIGKILL)

    wait_for(lambda: pattern() == pipe)
    crash()

    with Spool(installed.config.spool) as spool:
        wait_for(lambda: len(list(spool.archives())) == 1)
    wait_for(lambda: not servers(installed))


def test_a_killed_server_is_replaced(installed: Machine) -> None:
    daemon = installed.started()
    (server,) = servers(installed)

    os.kill(server, signal.SIGKILL)
    installed.read_until(daemon, "crashes come through the socket")

    assert pattern() == f"@@{installed.config.door_socket}"
    assert servers(installed) != {server}
    crash()
    installed.read_until(daemon, "processed in")


def test_a_server_that_always_dies_leaves_crashes_to_the_pipe(
    installed: Machine,
) -> None:
    pipe = pattern()
    daemon = installed.started()
    for _ in range(warden_module.RESTARTS - 1):
        for server in servers(installed):
            os.kill(server, signal.SIGKILL)
        installed.read_until(daemon, "crashes come through the socket")
    for server in servers(installed):
        os.kill(server, signal.SIGKILL)

    installed.read_until(daemon, "ended 5 times")

    assert pattern() == pipe
    crash()
    installed.read_until(daemon, "processed in")


def test_both_killed_at_once_is_mended_by_the_next_daemon(installed: Machine) -> None:
    pipe = pattern()
    daemon = installed.started()
    (server,) = servers(installed)
    os.kill(server, signal.SIGSTOP)
    os.kill(warden_of(daemon), signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    daemon.kill()
    daemon.wait()

    def door() -> Finding:
        findings = LinuxBackend(installed.config).diagnose()
        (found,) = [f for f in findings if f.check == "door"]
        return found

    # Who was killed has closed what he listened at only some time later.
    wait_for(lambda: door().level == "fail")
    assert "nothing listens" in door().message
    assert pattern() == f"@@{installed.config.door_socket}"

    second = installed.started()
    assert len(servers(installed)) == 1
    crash()
    installed.read_until(second, "processed in")
    installed.stop(second)

    assert pattern() == pipe


def test_a_second_daemon_leaves_the_socket_of_the_first(installed: Machine) -> None:
    first = installed.started()
    (server,) = servers(installed)

    second = installed.start()
    second.communicate(timeout=60)

    assert second.returncode == 74
    assert pattern() == f"@@{installed.config.door_socket}"
    assert servers(installed) == {server}
    crash()
    installed.read_until(first, "processed in")


def test_what_somebody_else_set_meanwhile_stays(installed: Machine) -> None:
    daemon = installed.started()
    kernel.CORE_PATTERN.write_text("/cores/%p")

    installed.stop(daemon)

    assert pattern() == "/cores/%p"


def test_with_door_pipe_nothing_is_served(installed: Machine) -> None:
    pipe = pattern()
    source = installed.config.source
    assert source is not None
    source.write_text(source.read_text().replace("[daemon]", "door = pipe\n[daemon]"))

    daemon = installed.started()

    assert pattern() == pipe
    assert not servers(installed)
    crash()
    installed.read_until(daemon, "processed in")


def test_a_directory_that_others_may_change_is_refused(installed: Machine) -> None:
    pipe = pattern()
    directory = installed.config.door_socket.parent
    directory.mkdir()
    directory.chmod(0o777)

    daemon = installed.start()
    installed.read_until(daemon, "would get the crashes")
    installed.read_until(daemon, "waits for crashes")

    assert pattern() == pipe
    directory.chmod(0o700)


def test_crashes_while_there_is_no_server_wait_for_the_next(
    installed: Machine,
) -> None:
    """A server that hangs keeps crashes in the queue; none is lost."""
    daemon = installed.started()
    (server,) = servers(installed)
    os.kill(server, signal.SIGSTOP)
    crashed = [subprocess.Popen(["/bin/sh", "-c", "kill -SEGV $$"]) for _ in range(5)]
    time.sleep(0.2)
    os.kill(server, signal.SIGCONT)
    for process in crashed:
        assert process.wait(timeout=60) == -signal.SIGSEGV
    for _ in crashed:
        installed.read_until(daemon, "processed in")
