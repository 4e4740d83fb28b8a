"""The sender's two processes: each outlives the other, and both end with the daemon."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from typing import BinaryIO

import attrs
import pytest

from coresnap.daemon.parcel import Outcome, Parcel, Receipt, receive, send
from coresnap.daemon.sending_warden import keep_sending, pause_after

SECONDS = 60


def deliver(parcel: Parcel, snapshot: BinaryIO) -> Receipt:
    """Say who delivers; some snapshots kill, and some kill who looks after."""
    facts: dict[str, str | int] = {"courier": os.getpid(), "warden": os.getppid()}
    if parcel.id.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    if parcel.id.startswith("patricide"):
        warden = os.getppid()
        os.kill(warden, signal.SIGKILL)
        while os.getppid() == warden:
            time.sleep(0.001)
    if parcel.id.startswith("endless"):
        signal.pause()
    facts["size"] = len(snapshot.read())
    return Receipt(parcel.id, Outcome.SENT, facts=facts)


@attrs.define
class Daemon:
    """The daemon's end of a sender with ``deliver``."""

    connection: socket.socket

    def give(self, archive_id: str) -> None:
        with tempfile.TemporaryFile() as snapshot:
            snapshot.write(b"snapshot")
            snapshot.seek(0)
            parcel = Parcel(archive_id, "blackhole", (), (), None)
            send(self.connection, parcel, snapshot.fileno())

    def take(self) -> Receipt:
        found = receive(self.connection, Receipt)
        assert found is not None
        return found[0]

    def send(self, archive_id: str = "good") -> Receipt:
        self.give(archive_id)
        return self.take()

    def processes(self) -> dict[str, int]:
        return {
            name: int(pid) for name, pid in self.send().facts.items() if name != "size"
        }


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(SECONDS)
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            keep_sending(theirs, deliver)
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        yield Daemon(ours)
    os.waitpid(pid, 0)


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + SECONDS
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_delivered_is_acknowledged(daemon: Daemon) -> None:
    receipt = daemon.send()

    assert (receipt.id, receipt.outcome) == ("good", Outcome.SENT)
    assert receipt.facts["size"] == len(b"snapshot")
    assert receipt.facts["courier"] != receipt.facts["warden"]


def test_a_courier_that_dies_is_told_of_and_started_again_later_each_time(
    daemon: Daemon,
) -> None:
    deaths = [daemon.send(f"deadly{number}") for number in range(3)]

    assert [d.id for d in deaths] == ["deadly0", "deadly1", "deadly2"]
    assert {d.outcome for d in deaths} == {Outcome.DIED}
    assert {d.reason for d in deaths} == {"the process that sends died of SIGKILL"}
    assert [d.wait for d in deaths] == [0.1, 0.2, 0.4]
    assert daemon.send().outcome == Outcome.SENT


def test_who_has_delivered_is_started_again_as_if_for_the_first_time(
    daemon: Daemon,
) -> None:
    waits = [daemon.send("deadly").wait, daemon.send("deadly").wait]
    daemon.send()

    assert [*waits, daemon.send("deadly").wait] == [0.1, 0.2, 0.1]


def test_a_pause_doubles_up_to_a_minute() -> None:
    assert [pause_after(n) for n in (0, 1, 2, 3)] == [0.1, 0.1, 0.2, 0.4]
    assert pause_after(11) == 60
    assert pause_after(10**6) == 60


def test_a_courier_that_is_killed_while_nothing_is_to_do_is_replaced(
    daemon: Daemon,
) -> None:
    before = daemon.processes()
    os.kill(before["courier"], signal.SIGKILL)
    said = daemon.take()
    after = daemon.processes()

    assert (said.id, said.outcome) == ("", Outcome.DIED)
    assert after["warden"] == before["warden"]
    assert after["courier"] != before["courier"]


def test_a_warden_that_is_killed_has_the_courier_for_its_heir(daemon: Daemon) -> None:
    before = daemon.processes()
    os.kill(before["warden"], signal.SIGKILL)
    said = daemon.take()
    after = daemon.processes()

    assert (said.id, said.outcome) == ("", Outcome.DIED)
    assert after["warden"] == before["courier"]
    os.kill(after["warden"], signal.SIGKILL)
    daemon.take()
    assert daemon.processes()["warden"] == after["courier"], "again and again"


def test_a_warden_that_is_killed_during_a_delivery_costs_no_receipt(
    daemon: Daemon,
) -> None:
    receipt, said = daemon.send("patricide"), daemon.take()

    assert (receipt.id, receipt.outcome) == ("patricide", Outcome.SENT)
    assert (said.id, said.outcome) == ("", Outcome.DIED)
    assert daemon.send().outcome == Outcome.SENT


@pytest.mark.linux
@pytest.mark.parametrize("last", ["good", "endless"])
def test_both_end_with_the_daemon(daemon: Daemon, last: str) -> None:
    processes = daemon.processes()
    if last == "endless":
        daemon.give(last)
    daemon.connection.close()

    wait_until_gone(*processes.values())


@pytest.mark.linux
def test_an_heir_ends_with_the_daemon_too(daemon: Daemon) -> None:
    os.kill(daemon.processes()["warden"], signal.SIGKILL)
    daemon.take()
    processes = daemon.processes()
    daemon.connection.close()

    wait_until_gone(*processes.values())
