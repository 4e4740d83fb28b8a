"""devd's socket, played by a real SOCK_SEQPACKET server with recorded records."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from conftest import Corpus
from coresnap.backends.freebsd_devd import DevdSocket, is_served
from shortpath import short_directory


@attrs.define
class Devd:
    """The server's side."""

    path: Path
    listener: socket.socket

    @classmethod
    def start(cls, path: Path) -> Devd:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(path))
        listener.listen()
        return cls(path, listener)

    def accept(self) -> socket.socket:
        return self.listener.accept()[0]

    def stop(self) -> None:
        self.listener.close()
        self.path.unlink(missing_ok=True)


@pytest.fixture
def devd() -> Iterator[Devd]:
    with short_directory() as directory:
        server = Devd.start(directory / "devd")
        yield server
        server.stop()


@attrs.define
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.corpus
def test_recorded_records_come_out_one_by_one(devd: Devd, corpus: Corpus) -> None:
    client = DevdSocket(devd.path)
    assert client.connect()
    with devd.accept() as server:
        for name in ("unrelated", "abort", "unrelated", "segv_null"):
            server.send((corpus.root / f"freebsd/devd/{name}.event").read_bytes())

        cores = [event.core for _ in range(2) if (event := client.receive())]

    assert cores == [
        b"/var/lab/cores/abort/crash.64.0.6.fbsdlab.core",
        b"/var/lab/cores/segv_null/crash.26.0.11.fbsdlab.core",
    ]
    client.close()


def test_without_devd_it_tries_again_and_not_at_once(tmp_path: Path) -> None:
    with short_directory() as directory:
        clock = Clock()
        client = DevdSocket(directory / "devd", clock)
        assert not client.connect()
        assert client.fileno() is None
        wait = client.wakes_in
        assert wait is not None
        assert wait > 0

        server = Devd.start(directory / "devd")
        assert not client.connect(), "before its time"
        clock.now += wait
        assert client.connect()
        assert client.wakes_in is None
        client.close()
        server.stop()


def test_a_devd_that_restarts_is_connected_to_again(devd: Devd) -> None:
    clock = Clock()
    client = DevdSocket(devd.path, clock)
    client.connect()
    devd.accept().close()

    assert client.receive() is None
    assert client.fileno() is None
    clock.now += client.wakes_in or 0
    assert client.connect()
    client.close()


def test_nothing_new_blocks_nobody(devd: Devd) -> None:
    client = DevdSocket(devd.path)
    assert client.receive() is None
    client.connect()

    assert client.receive() is None
    assert not client.connect(), "there is a connection"
    client.close()


def test_whether_devd_runs_is_seen_by_connecting(devd: Devd) -> None:
    assert is_served(devd.path)
    devd.stop()
    assert not is_served(devd.path)
