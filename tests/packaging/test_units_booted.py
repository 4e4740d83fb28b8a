"""The units under a real systemd: closed as they are, all that they do works."""

from __future__ import annotations

import ctypes
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import kernel
from coresnap.model.message_id import MessageId
from nspawn import CannotBootError, Machine, booted, why_no_nspawn

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.root,
    pytest.mark.core_pattern,
    pytest.mark.skipif(why_no_nspawn() is not None, reason=str(why_no_nspawn())),
    pytest.mark.timeout(300),
]

FILES = {
    "etc/coresnap/coresnap.conf": (
        "[archive]\nroot = {shared}/var\nhandler = {shared}/catch\n"
        "[daemon]\nsocket = {shared}/run/notify\n"
    ),
    "etc/coresnap/coronerd.conf": "[server]\ndata = /var/coroner\n",
    "etc/systemd/system/coresnapd.service.d/watchdog.conf": (
        "[Service]\nWatchdogSec=4\nRestartSec=1\n"
    ),
    # Where the Python that runs this may be; packages bring theirs to /usr.
    "etc/systemd/system/coresnap-capture.service.d/python.conf": (
        "[Service]\nPrivateTmp=no\n"
    ),
    "etc/systemd/system/coroner.service.d/python.conf": (
        "[Service]\nPrivateTmp=no\nProtectHome=read-only\n"
    ),
}
CONFINED = {
    "dies-with-daemon",
    "no-new-privileges",
    "no-network",
    "first-out-of-memory",
    "not-dumpable",
    "seccomp",
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with kernel.core_pattern("core"):
        try:
            with booted(FILES) as system:
                system.output("journalctl", "--update-catalog")
                yield system
                system.run("systemctl", "stop", "coresnapd")
                system.run("coresnap", "uninstall")
        except CannotBootError as error:
            pytest.skip(f"nothing boots here: {error}")


def wait_until(met: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def main_pid(machine: Machine) -> int:
    words = ("systemctl", "show", "--property=MainPID", "--value", "coresnapd")
    return int(machine.output(*words))


def messages(machine: Machine, *matches: str) -> list[str]:
    words = ("journalctl", "-q", "-o", "cat", "-u", "coresnapd", *matches)
    return machine.output(*words).splitlines()


def crash(machine: Machine, name: str) -> str:
    """Let a program of this name crash; return its path."""
    program = machine.shared / name
    shutil.copy("/bin/sh", program)
    run = machine.run("sh", "-c", f"ulimit -c unlimited; {program} -c 'kill -SEGV $$'")
    assert run.returncode == 139, run.stderr
    return str(program)


def test_one_command_is_enough_and_a_crash_is_found_by_its_fields(
    machine: Machine,
) -> None:
    enabled = machine.run("systemctl", "enable", "--now", "coresnapd", timeout=120)
    assert enabled.returncode == 0, machine.output(
        "journalctl", "-o", "cat", "-n", "40"
    )
    capture = machine.output("systemctl", "is-enabled", "coresnap-capture")
    assert capture == "enabled"
    assert kernel.CORE_PATTERN.read_text().startswith(f"|{machine.shared}/catch")

    program = crash(machine, "found")
    done = (f"MESSAGE_ID={MessageId.CRASH_ANALYSED}", f"CORESNAP_EXECUTABLE={program}")
    wait_until(lambda: messages(machine, *done))

    status = machine.output("coresnap", "status")
    confined = next(x for x in status.splitlines() if x.startswith("last worker: "))
    achieved = set(confined.removeprefix("last worker: ").split(", "))
    assert achieved >= CONFINED
    assert ("landlock-files" in achieved) == has_landlock()
    explained = "\n".join(messages(machine, *done, "-x", "-o", "short"))
    assert "The snapshot of a crash is made" in explained
    assert "Signal: SIGSEGV" in explained


def has_landlock() -> bool:
    """Ask the kernel for the version of its Landlock (landlock_create_ruleset(2))."""
    return int(ctypes.CDLL(None).syscall(444, None, 0, 1)) > 0


def test_a_daemon_that_hangs_is_ended_and_started_again(machine: Machine) -> None:
    before = main_pid(machine)
    assert before > 1
    machine.output("systemctl", "kill", "-s", "STOP", "--kill-whom=main", "coresnapd")

    wait_until(lambda: main_pid(machine) not in (0, before))

    words = ("journalctl", "-q", "-o", "cat", "-u", "coresnapd")
    assert "Watchdog timeout" in machine.output(*words)
    wait_until(
        lambda: machine.run("systemctl", "is-active", "coresnapd").returncode == 0
    )


def test_a_stop_loses_nothing_and_crashes_are_caught_meanwhile(
    machine: Machine,
) -> None:
    begun = crash(machine, "begun")
    machine.output("systemctl", "stop", "coresnapd", timeout=150)
    missed = crash(machine, "missed")
    assert "daemon: runs" not in machine.output("coresnap", "status")

    machine.output("systemctl", "start", "coresnapd", timeout=120)

    for program in (begun, missed):
        wait_until(partial(analyses, machine, program))
    assert len(analyses(machine, missed)) == 1


def analyses(machine: Machine, program: str) -> list[str]:
    kind = f"MESSAGE_ID={MessageId.CRASH_ANALYSED}"
    return messages(machine, kind, f"CORESNAP_EXECUTABLE={program}")


def test_the_store_serves_in_its_unit(machine: Machine) -> None:
    machine.output("useradd", "--system", "coroner")
    machine.output("install", "-d", "-o", "coroner", "-m", "0700", "/var/coroner")

    machine.output("systemctl", "start", "coroner", timeout=150)

    words = ("coroner", "-c", "/var/coroner/coroner.cf", "project", "list")
    assert machine.run(*words).returncode == 0
    listens = f"MESSAGE_ID={MessageId.SERVER_LISTENS}"
    said = machine.output("journalctl", "-q", "-o", "cat", "-u", "coroner", listens)
    assert said.startswith("coroner listens on")
    machine.output("systemctl", "stop", "coroner", timeout=150)
    result = ("systemctl", "show", "--property=Result", "--value", "coroner")
    assert machine.output(*result) == "success"
