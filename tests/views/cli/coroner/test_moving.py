"""``coroner daemon``, ``export``, ``delete``: faults come, are copied, and go."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coresnap.store.api.endpoint import Capability
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import main
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot

Run = Callable[..., str]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "data").mkdir()
    with running_server(tmp_path / "data") as server:
        yield server


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    """A directory with two snapshots, one damaged one, and one being written."""
    directory = tmp_path / "watched"
    directory.mkdir()
    for number in (1, 2):
        (directory / f"{number}.csnap").write_bytes(make_snapshot(number, number))
    (directory / "bad.csnap").write_bytes(b"no snapshot")
    (directory / "3.part").write_bytes(make_snapshot(3)[:40])
    return directory


@pytest.fixture
def run(
    live: LiveServer,
    watched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv("HOME", str(tmp_path))
    token = live.token(Capability.POST, Capability.QUERY, Capability.ADMIN)
    config = tmp_path / "coroner.cf"
    config.write_text(
        f"[universe]\nname = cf\nwrite = {live.url}\nread = {live.url}\n"
        f"[token]\nblackhole = {token}\n[daemon]\nblackhole.root = {watched}\n"
    )
    config.chmod(0o600)

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["-c", str(config), *words], CORONER) == code
        live.wait_until_indexed()
        return capsys.readouterr().out

    return run


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """What the daemon does to the signals ends with the test."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_the_daemon_sends_what_is_whole_and_sets_aside_what_is_refused(
    run: Run, watched: Path
) -> None:
    run("daemon", "--once")
    left = sorted(path.name for path in watched.iterdir())
    assert left == ["3.part", "bad.csnap.refused"]
    listed = json.loads(run("list", "blackhole", "--select", "object", "--json"))
    objects = {row["values"][0] for row in listed["rows"]}
    assert objects == {f"{1:032x}", f"{2:032x}"}


def test_exported_snapshots_are_the_ones_that_were_sent_and_are_fetched_once(
    run: Run, watched: Path, tmp_path: Path
) -> None:
    run("daemon", "--once")
    target = tmp_path / "exported"
    words = ("export", "blackhole", "--snapshots", str(target))
    assert run(*words).startswith("2 snapshots written")
    for number in (1, 2):
        body = (target / f"{number:032x}.csnap").read_bytes()
        assert body == make_snapshot(number, number)
    assert run(*words) == f"0 snapshots written to {target}, 2 were there\n"
    lines = [json.loads(line) for line in run("export", "blackhole").splitlines()]
    assert [line["application"] for line in lines] == ["simple", "simple"]


def test_a_deleted_snapshot_still_counts_and_a_forgotten_fault_does_not(
    run: Run, tmp_path: Path
) -> None:
    def count() -> int:
        return len(run("export", "blackhole").splitlines())

    run("daemon", "--once")
    run("delete", "blackhole", f"{1:032x}")
    run("get", "blackhole", f"{1:032x}", "-o", str(tmp_path / "gone"), code=66)
    assert count() == 2
    run("delete", "blackhole", "--filter=application=simple", "--all", code=2)
    assert count() == 2, "several were removed without being asked for"
    run("delete", "blackhole", "--filter=application=simple", "--all", "--yes")
    assert count() == 0


def test_an_attachment_comes_back_as_it_was_added_until_it_is_removed(
    run: Run, tmp_path: Path
) -> None:
    run("daemon", "--once")
    words = ("attachment", "blackhole", f"{1:032x}")
    log = tmp_path / "simple.log"
    log.write_bytes(b"what it said\0" * 100)
    run(*words, "--add", str(log))
    assert "simple.log" in run(*words)
    target = tmp_path / "back"
    run(*words, "--get", "simple.log", "-o", str(target))
    assert target.read_bytes() == log.read_bytes()
    run(*words, "--delete", "simple.log")
    assert json.loads(run(*words, "--json"))["attachments"] == []
    run(*words, "--get", "simple.log", "-o", str(target), code=66)
