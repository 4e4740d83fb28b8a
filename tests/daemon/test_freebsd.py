"""coresnapd on FreeBSD's side of the contract: from the kernel's file to a snapshot.

The kernel is the recorded one, devd a real SOCK_SEQPACKET server that sends recorded
bytes, the cores are the corpus'. The daemon is whole: it starts as root, leaves the
keeper behind, gives up its rights, and analyses in a worker.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from conftest import CORPUS, Corpus
from coresnap.backends import freebsd
from coresnap.backends.freebsd import FreeBSDBackend
from coresnap.collect.spool import Part, Spool
from coresnap.config import Config, load_config
from coresnap.crash import Archive
from coresnap.daemon.log import make_logger
from coresnap.daemon.main import serve
from coresnap.model import Snapshot
from coresnap.snapshot.container import read_snapshot
from freebsd_cases import expected
from freebsd_kernel import drop, recorded_kernel
from shortpath import short_directory

pytestmark = [pytest.mark.root, pytest.mark.corpus]

_PATIENCE = 120


@attrs.define
class Machine:
    config: Config
    devd: socket.socket
    pid: int = 0
    connection: socket.socket | None = None

    @property
    def backend(self) -> FreeBSDBackend:
        devd = Path(self.devd.getsockname())
        return FreeBSDBackend(self.config, recorded_kernel(CORPUS), devd=devd)

    def start(self) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                serve(self.config, self.backend, make_logger(json=True, syslog=False))
                code = 0
            finally:
                os._exit(code)
        self.devd.settimeout(_PATIENCE)
        self.connection = self.devd.accept()[0]

    def stop(self) -> int:
        if self.connection is not None:
            self.connection.close()
        os.kill(self.pid, signal.SIGTERM)
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def drop(self, core: Path, name: str, uid: int = 0) -> Path:
        return drop(self.config.drop_directory, name, core.read_bytes(), uid)

    def tell(self, name: str, recorded: str) -> None:
        """Send a recorded event whose path is the one of this machine's directory."""
        record = (CORPUS / f"freebsd/devd/{recorded}.event").read_bytes()
        start, _, _ = record.rpartition(b'core="')
        path = os.fsencode(self.config.drop_directory / name)
        assert self.connection is not None
        self.connection.send(start + b'core="' + path + b'"\n')

    def await_archives(self, count: int) -> list[Archive]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with Spool(self.config.spool) as spool:
                found = [one for one in spool.archives() if one.has_snapshot]
            if len(found) >= count:
                return found
            time.sleep(0.05)
        pytest.fail(f"fewer than {count} snapshots")

    def snapshot(self, archive: Archive) -> Snapshot:
        return read_snapshot(self.config.spool / Part.SNAPSHOT / archive.id)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    # RLIMIT_NPROC, which FreeBSD's confinement sets, counts threads on Linux.
    monkeypatch.setattr(freebsd, "confine", tuple)
    with (
        short_directory() as root,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as devd,
    ):
        (root / "conf").write_text("")
        config = attrs.evolve(
            load_config(root / "conf"),
            root=root / "r",
            user="nobody",
            socket=root / "s" / "n",
            dump_quota=0,
            purge_core="never",
        )
        devd.bind(str(root / "devd"))
        (root / "devd").chmod(0o666)
        devd.listen()
        machine = Machine(config, devd)
        machine.backend.install()
        yield machine
        if machine.pid:
            machine.stop()


@pytest.mark.parametrize("case", ["threads", "segv_null", "i386"])
def test_a_core_that_devd_told_of_becomes_a_snapshot(
    machine: Machine, corpus: Corpus, case: str
) -> None:
    told = expected(case)
    name = f"{told['pid']}.0.{told['signal']}.{told['comm']}.core"
    machine.start()

    path = machine.drop(corpus.path(f"freebsd/{told['core']}"), name)
    machine.tell(name, case)
    (archive,) = machine.await_archives(1)

    snapshot = machine.snapshot(archive)
    assert snapshot.system == "FreeBSD"
    assert snapshot.pid == told["pid"]
    assert snapshot.command == told["comm"]
    assert len(snapshot.threads) == told["threads"]
    assert snapshot.threads[0].tid == told["thread_ids"][0]
    assert snapshot.signal is not None
    assert snapshot.signal.number == told["signal"]
    assert snapshot.attributes["capture.way"] == "file"
    assert not path.exists()
    assert machine.stop() == 0


def test_cores_of_others_that_nobody_told_of_are_there_after_a_restart(
    machine: Machine, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.backends import freebsd_arrivals

    monkeypatch.setattr(freebsd_arrivals, "SETTLE_SECONDS", 0.2)
    core = corpus.path("freebsd/cores/static_segv/crash_static.463.0.11.fbsdlab.core")
    path = machine.drop(core, "463.1234.11.crash_static.core", uid=1234)
    empty = machine.config.drop_directory / "581.0.11.crash.core"
    empty.touch(mode=0o600)
    planted = machine.config.drop_directory / "1.0.11.a.core"
    planted.symlink_to("/etc/passwd")

    machine.start()
    archives = machine.await_archives(2)

    snapshots = {machine.snapshot(a).pid: machine.snapshot(a) for a in archives}
    assert set(snapshots) == {463, 581}
    assert snapshots[581].attributes["capture.rung.reason"] == "core-limit"
    with Spool(machine.config.spool) as spool:
        crashes = [spool.crash(archive.id) for archive in archives]
    assert {crash.uid for crash in crashes if crash is not None} == {1234, 0}
    assert not path.exists()
    assert not empty.exists()
    assert planted.is_symlink()
    assert machine.stop() == 0


def test_r03_hostile_names_and_times_are_data_and_nothing_else(
    machine: Machine, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.backends import freebsd_arrivals

    monkeypatch.setattr(freebsd_arrivals, "SETTLE_SECONDS", 0.2)
    drops = machine.config.drop_directory
    core = corpus.path("freebsd/cores/static_segv/crash_static.463.0.11.fbsdlab.core")
    hostile = machine.drop(core, '463.0.11.\udcff\n"\x1b[31m$(id).core')
    os.utime(hostile, ns=(0, -(10**18)))
    for number, name in enumerate(("\n", "\udcfe", "..", "%P %s", "a" * 200)):
        empty = drops / f"999999999{number}.0.999.{name}.core"
        empty.touch(mode=0o600)
        os.utime(empty, ns=(0, (2**33 + number) * 10**9))

    machine.start()
    archives = machine.await_archives(6)

    snapshots = [machine.snapshot(archive) for archive in archives]
    assert sum(snapshot.command == "crash_static" for snapshot in snapshots) == 1
    assert sum(snapshot.pid == 463 for snapshot in snapshots) == 1
    assert list(drops.iterdir()) == []
    assert machine.stop() == 0


def test_killed_at_any_time_each_core_is_archived_once(
    machine: Machine, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.backends import freebsd_arrivals

    monkeypatch.setattr(freebsd_arrivals, "SETTLE_SECONDS", 0.05)
    for slot in range(5):
        machine.drop(corpus.path(f"freebsd/cores/idx.{slot}.core"), f"idx.{slot}.core")
    for milliseconds in (0, 20, 60, 120, 250):
        machine.start()
        time.sleep(milliseconds / 1000)
        os.kill(machine.pid, signal.SIGKILL)
        os.waitpid(machine.pid, 0)
        assert machine.connection is not None
        machine.connection.close()

    machine.start()
    archives = machine.await_archives(5)
    assert machine.stop() == 0
    pids = sorted(machine.snapshot(archive).pid or 0 for archive in archives)
    assert pids == [625, 627, 629, 631, 633]
    assert list(machine.config.drop_directory.iterdir()) == []
