"""The hint that an archive was committed."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.backends.notify_socket import NotifySocket, send
from coresnap.errors import CoresnapError

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "notify"


@pytest.fixture
def listener(path: Path) -> Iterator[NotifySocket]:
    listener = NotifySocket(path, None)
    yield listener
    listener.close()


def raw(path: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, str(path))


def test_r23_only_the_owner_may_send(path: Path, listener: NotifySocket) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_handler_s_words_are_understood(path: Path, listener: NotifySocket) -> None:
    raw(path, f"{ID} pid=42 signal=11 cut=no".encode())

    crash = listener.receive(5)

    assert crash is not None
    assert (crash.archive_id, crash.pid, crash.signal) == (ID, 42, 11)
    assert abs(crash.time - time.time_ns()) < 60_000_000_000


def test_a_suppressed_crash_is_told_with_its_kind(
    path: Path, listener: NotifySocket
) -> None:
    raw(path, b"suppressed pid=42 signal=6 kind=00c0ffee00c0ffee")
    raw(path, b"suppressed pid=43 signal=6 kind=none")

    first, second = listener.receive(5), listener.receive(5)

    assert first is not None
    assert second is not None
    assert (first.archive_id, first.pid, first.signal) == (None, 42, 6)
    assert (first.kind, second.kind) == ("00c0ffee00c0ffee", None)


def test_a_refused_crash_is_told_without_an_archive(
    path: Path, listener: NotifySocket
) -> None:
    raw(path, b"refused pid=42 signal=11 reason=quota")

    crash = listener.receive(5)

    assert crash is not None
    assert crash.archive_id is None
    assert crash.pid == 42


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 32,
        b"../../../etc/passwd",
        ID.upper().encode(),
        ID.encode() + b"0",
        b"x" * 4000,
        b"\xff" * 32,
    ],
)
def test_what_is_no_hint_is_skipped(
    path: Path, listener: NotifySocket, data: bytes
) -> None:
    raw(path, data)
    send(path, ID)

    crash = listener.receive(5)

    assert crash is not None
    assert crash.archive_id == ID
    assert listener.receive(0) is None


def test_numbers_that_are_none_are_not_believed(
    path: Path, listener: NotifySocket
) -> None:
    raw(path, f"{ID} pid=-1 signal=99999999999".encode())

    crash = listener.receive(5)

    assert crash is not None
    assert (crash.pid, crash.signal) == (0, 0)


def test_nobody_listening_is_said(path: Path) -> None:
    assert send(path, ID) is False


def test_a_socket_left_by_a_dead_daemon_is_taken_over(path: Path) -> None:
    dead = NotifySocket(path, None)
    os.close(os.dup(dead.fileno()))
    living = NotifySocket(path, None)

    assert send(path, ID) is True
    crash = living.receive(5)

    assert crash is not None
    living.close()
    dead.close()


def test_a_busy_daemon_is_not_waited_for(path: Path, listener: NotifySocket) -> None:
    sent = [send(path, ID) for _ in range(2000)]

    assert all(sent)


def test_a_path_that_cannot_be_bound_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CoresnapError, match="cannot listen"):
        NotifySocket(tmp_path / ("x" * 200), None)
