"""sd_notify, and its absence."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from coresnap.daemon.service import tell_manager, watchdog_seconds


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    tell_manager("READY=1")


@pytest.mark.parametrize("value", ["", "relative", "/nonexistent/socket"])
def test_a_manager_that_cannot_be_reached_is_no_error(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", value)

    tell_manager("READY=1")


@pytest.mark.parametrize("abstract", [False, True])
def test_the_manager_hears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    name = f"@coresnap-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        tell_manager("READY=1")

        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("microseconds", "pid", "seconds"),
    [
        ("3000000", None, 1.5),
        ("3000000", "own", 1.5),
        ("3000000", "1", None),
        ("soon", None, None),
        ("", None, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time(
    monkeypatch: pytest.MonkeyPatch,
    microseconds: str,
    pid: str | None,
    seconds: float | None,
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid is not None:
        own = pid == "own"
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if own else pid)

    assert watchdog_seconds() == seconds
