"""The process that tells monitors: apart from the daemon, and without rights."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from coresnap.backends import select as select_backend
from coresnap.backends.base import CaptureBackend, CaptureStatus
from coresnap.backends.fake import FakeBackend
from coresnap.backends.linux_landlock import landlock_version
from coresnap.collect.journal import Event, Journal
from coresnap.collect.spool import create_spool
from coresnap.config import Config, load_config
from coresnap.daemon.exporter import Exporter, start_exporter

ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@attrs.define
class Log:
    lines: list[str] = attrs.field(factory=list)

    def _say(self, event: str, **facts: object) -> None:
        self.lines.append(f"{event} {facts.get('remedy', '')}")

    info = warning = error = _say


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = attrs.evolve(
        load_config(Path(os.devnull)),
        root=tmp_path,
        metrics_listen=("127.0.0.1", 0),
    )
    create_spool(config.spool)
    config.journal.parent.mkdir()
    return config


@contextlib.contextmanager
def exported(
    config: Config, backend: CaptureBackend | None = None
) -> Iterator[Exporter]:
    found = start_exporter(
        config, None, backend or select_backend(config), log := Log()
    )
    assert found is not None, log.lines
    with found:
        yield found


def scrape(exporter: Exporter) -> dict[tuple[str, str], float]:
    host, port = exporter.address
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def server_of(exporter: Exporter) -> psutil.Process:
    [server] = psutil.Process(exporter.pid).children()
    return server


def test_numbers_follow_the_journal_that_another_process_writes(
    config: Config,
) -> None:
    with exported(config) as exporter, Journal(config.journal) as journal:
        assert scrape(exporter)["coresnap_archives", "waiting"] == 0
        assert scrape(exporter)["coresnap_daemon_up", ""] == 1
        journal.record(ID, Event.ARRIVED)
        wait_until(lambda: scrape(exporter)["coresnap_archives", "waiting"] == 1)
        assert scrape(exporter)["coresnap_readable", "journal"] == 1


def test_a_journal_and_a_table_that_are_made_later_are_read_too(
    config: Config,
) -> None:
    config.journal.parent.rmdir()
    with exported(config) as exporter:
        assert scrape(exporter)["coresnap_readable", "journal"] == 0
        config.journal.parent.mkdir()
        config.admission.touch()
        with Journal(config.journal):
            wait_until(lambda: scrape(exporter)["coresnap_readable", "journal"] == 1)
            wait_until(lambda: scrape(exporter)["coresnap_readable", "admission"] == 1)


@attrs.define
class Nosy(FakeBackend):
    """Whose status tries, confined as a real one, what a hijacked server would."""

    core: Path = Path(os.devnull)

    def status(self) -> CaptureStatus:
        return attrs.evolve(super().status(), installed=self.may_read())

    def may_read(self) -> bool:
        try:
            return bool(self.core.read_bytes())
        except OSError:
            return False

    def confine_watcher(
        self, unreadable: Path, writable: Sequence[Path]
    ) -> tuple[str, ...]:
        return select_backend(load_config(Path(os.devnull))).confine_watcher(
            unreadable, writable
        )


@pytest.mark.linux
def test_it_cannot_read_a_core(config: Config) -> None:
    if not landlock_version(ctypes.CDLL(None)):
        pytest.skip("this kernel has no Landlock")
    core = config.spool / "pending" / ID
    core.write_bytes(b"secret")
    backend = Nosy(core=core)
    assert backend.may_read()

    with exported(config, backend) as exporter, Journal(config.journal):
        found = scrape(exporter)

    assert found["coresnap_registered", ""] == 0
    assert found["coresnap_spool_objects", "pending"] == 1
    assert found["coresnap_readable", "journal"] == 1


def test_a_server_that_dies_is_started_again(config: Config) -> None:
    with exported(config) as exporter, Journal(config.journal):
        scrape(exporter)
        server_of(exporter).kill()

        assert scrape(exporter)["coresnap_daemon_up", ""] == 1


def test_all_of_it_ends_with_the_daemon(config: Config) -> None:
    pid = os.fork()
    if pid == 0:
        found = start_exporter(config, None, FakeBackend(), Log())
        assert found is not None
        (config.root / "pid").write_text(f"{found.pid} {found.address[1]}")
        signal.pause()
    wait_until(lambda: (config.root / "pid").exists())
    wait_until(lambda: " " in (config.root / "pid").read_text())
    keeper, port = map(int, (config.root / "pid").read_text().split())
    wait_until(lambda: bool(psutil.Process(keeper).children()))
    [server] = psutil.Process(keeper).children()

    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    wait_until(lambda: is_dead(keeper) and is_dead(server.pid))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def is_dead(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_an_address_that_is_taken_is_said_and_nothing_else_stops(
    config: Config,
) -> None:
    log = Log()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = attrs.evolve(config, metrics_listen=taken.getsockname())
        assert start_exporter(config, None, FakeBackend(), log) is None

    assert "no metrics are served: cannot listen on 127.0.0.1 port" in log.lines[0]
    assert "Correct metrics.listen" in log.lines[0]


def test_without_the_setting_there_is_no_process(config: Config) -> None:
    config = attrs.evolve(config, metrics_listen=None)
    assert start_exporter(config, None, FakeBackend(), Log()) is None


def test_without_the_library_it_says_what_to_install(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert start_exporter(config, None, FakeBackend(), log) is None
    assert "pip install 'coresnap[metrics]'" in log.lines[0]
