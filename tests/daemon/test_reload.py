"""New settings for a daemon that runs: taken whole, or refused with the line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import kernel
from coresnap.backends import archive_files, linux_files
from coresnap.backends.linux import LinuxBackend
from coresnap.config import Config, load_config
from coresnap.daemon.reload import NEEDS_RESTART, reread
from coresnap.errors import ConfigError
from shortpath import short_directory

from .test_main import Machine, crash, make_machine, wait_for

REPOSITORY = Path(__file__).parent.parent.parent
UNIT = REPOSITORY / "packaging" / "systemd" / "coresnapd.service"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "coresnap.conf"
    path.write_text("[archive]\nroot = /a\nkeep = full\n[daemon]\npurge.age = 3d\n")
    return path


# --- what is taken over ---------------------------------------------------------


def test_what_says_how_is_taken_and_what_says_where_stays(source: Path) -> None:
    before = load_config(source)
    source.write_text("[archive]\nroot = /b\ndoor = pipe\nkeep = notes\n")

    after, staying = reread(before, source)

    assert staying == ("root", "door")
    assert (after.root, after.door) == (Path("/a"), "auto")
    assert (after.keep, after.purge_pending_age) == ("notes", 30 * 86400)


def test_a_file_that_did_not_change_changes_nothing(source: Path) -> None:
    before = load_config(source)

    assert reread(before, source) == (before, ())


def test_a_mistake_is_refused_with_its_line(source: Path) -> None:
    before = load_config(source)
    source.write_text("[archive]\nkeep = notes\n\nkeep.first = x\n")

    with pytest.raises(ConfigError, match=r"coresnap\.conf:4: "):
        reread(before, source)


def test_every_place_that_is_opened_once_waits_for_a_restart() -> None:
    fields = {field.name: field.type for field in attrs.fields(Config)}
    paths = {name for name, kind in fields.items() if str(kind) == "Path"}

    assert paths <= NEEDS_RESTART.keys()


# --- a daemon -------------------------------------------------------------------


@pytest.fixture
def laid_out() -> Iterator[Machine]:
    """What ``install`` puts on disk, without the kernel's settings."""
    with short_directory() as root:
        for machine in make_machine(root):
            owner = archive_files.owner_ids(machine.config.user)
            assert owner is not None
            archive_files.make_directories(machine.config, owner)
            linux_files.write_handler_settings(machine.config, owner)
            yield machine


def source_of(machine: Machine) -> Path:
    assert machine.config.source is not None
    return machine.config.source


def add(machine: Machine, line: str, section: str = "archive") -> None:
    path = source_of(machine)
    head = f"[{section}]\n"
    path.write_text(path.read_text().replace(head, f"{head}{line}\n"))


def reload_command(machine: Machine) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coresnap", "--config", str(source_of(machine))]
    return subprocess.run(
        [*command, "config", "reload"], capture_output=True, text=True, check=False
    )


def handler_lines(machine: Machine) -> list[str]:
    return machine.config.handler_settings.read_text().splitlines()


@pytest.mark.root
def test_reloading_reaches_handler_and_daemon(laid_out: Machine) -> None:
    daemon = laid_out.started()
    assert "keep=full" in handler_lines(laid_out)
    add(laid_out, "keep = notes")

    run = reload_command(laid_out)

    assert run.returncode == 0, run.stderr
    assert f"the daemon, process {daemon.pid}," in run.stdout
    assert "keep=notes" in handler_lines(laid_out)
    lines = laid_out.read_until(daemon, "has read its settings again")
    rest = laid_out.stop(daemon)
    assert "Run `coresnap config reload`" not in "".join(lines) + rest


@pytest.mark.root
def test_a_mistake_leaves_handler_and_daemon_as_they_were(laid_out: Machine) -> None:
    daemon = laid_out.started()
    before = handler_lines(laid_out)
    add(laid_out, "# first\nkeep.frist = 3\nkeep = notes")

    run = reload_command(laid_out)
    assert run.returncode == 78
    assert "coresnap.conf:3: " in run.stderr
    assert handler_lines(laid_out) == before

    # The daemon, told by somebody else, does not believe it either, and lives on.
    daemon.send_signal(signal.SIGHUP)
    lines = laid_out.read_until(daemon, "go on holding")
    assert "coresnap.conf:3: " in lines[-1]
    source_of(laid_out).write_text(f"[archive]\nroot = {laid_out.config.root}\n")
    daemon.send_signal(signal.SIGHUP)
    laid_out.read_until(daemon, "has read its settings again")
    laid_out.stop(daemon)


@pytest.mark.root
def test_a_signal_alone_cannot_reach_the_handler_and_says_so(laid_out: Machine) -> None:
    daemon = laid_out.started()
    add(laid_out, "keep = notes")

    daemon.send_signal(signal.SIGHUP)

    lines = laid_out.read_until(daemon, "goes on with the settings")
    assert "coresnap config reload" in "".join(lines)
    assert "keep=full" in handler_lines(laid_out)
    laid_out.stop(daemon)


@pytest.mark.root
def test_a_start_as_root_gives_the_handler_its_settings(laid_out: Machine) -> None:
    add(laid_out, "keep = stacks")

    laid_out.stop(laid_out.started())

    assert "keep=stacks" in handler_lines(laid_out)


@pytest.mark.root
def test_new_places_are_said_to_wait(laid_out: Machine) -> None:
    daemon = laid_out.started()
    path = source_of(laid_out)
    path.write_text(path.read_text().replace("/s/n", "/s/other"))

    run = reload_command(laid_out)
    assert "  socket stays as it was installed" in run.stdout
    laid_out.read_until(daemon, "socket: what is new waits for a restart")
    laid_out.stop(daemon)
    assert f"socket={laid_out.config.socket}" in handler_lines(laid_out)


@pytest.mark.root
def test_what_holds_now_decides_what_is_removed(laid_out: Machine) -> None:
    daemon = laid_out.started()
    leftover = laid_out.config.spool / "sending" / ("0" * 32)
    leftover.write_bytes(b"")
    os.chown(leftover, 65534, 65534)
    os.utime(leftover, (0, 0))
    add(laid_out, "purge.age = 1s", "daemon")

    # Its age begins when the daemon first sees it: after some reload it is over.
    def is_gone() -> bool:
        daemon.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        return not leftover.exists()

    wait_for(is_gone)
    assert "older than purge.sending.age" in laid_out.stop(daemon)


@pytest.mark.linux
@pytest.mark.root
def test_a_reload_that_comes_before_the_daemon_is_ready_is_not_lost(
    laid_out: Machine,
) -> None:
    daemon = laid_out.start()
    wait_for(lambda: survives_a_reload(daemon.pid))

    daemon.send_signal(signal.SIGHUP)

    lines = laid_out.read_until(daemon, "has read its settings again")
    assert "waits for crashes" in "".join(lines)
    laid_out.stop(daemon)


def survives_a_reload(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    masks = [line for line in status if line.startswith(("SigBlk:", "SigCgt:"))]
    return any(int(m.split()[1], 16) & 1 << (signal.SIGHUP - 1) for m in masks)


@pytest.mark.root
def test_the_manager_is_told_of_the_reload(laid_out: Machine) -> None:
    path = laid_out.config.root.parent / "manager"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        path.chmod(0o777)
        manager.settimeout(30)
        daemon = laid_out.start(environment={"NOTIFY_SOCKET": str(path)})
        assert manager.recv(200).startswith(b"READY=1")
        daemon.send_signal(signal.SIGHUP)
        assert manager.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(200) == b"READY=1"
        laid_out.stop(daemon)


@pytest.mark.root
@pytest.mark.core_pattern
def test_the_next_crash_is_caught_by_the_new_settings(laid_out: Machine) -> None:
    def next_rung() -> object:
        crash()
        lines = laid_out.read_until(daemon, "processed in")
        return json.loads(lines[-1])["rung"]

    backend = LinuxBackend(laid_out.config)
    with kernel.core_pattern("core"):
        backend.install()
        daemon = laid_out.started("--json")
        assert next_rung() == "full"
        add(laid_out, "keep = notes")
        assert reload_command(laid_out).returncode == 0
        assert next_rung() == "notes"
        laid_out.stop(daemon)
        backend.uninstall()


# --- under systemd --------------------------------------------------------------


def test_the_unit_reloads_by_the_command_that_checks() -> None:
    lines = UNIT.read_text().splitlines()

    (command,) = [line for line in lines if line.startswith("ExecReload=")]
    assert command.split()[1:] == ["config", "reload"]
