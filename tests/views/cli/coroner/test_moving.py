"""``coroner daemon``, ``export``, ``delete``: faults come, are copied, and go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.server.snapshots import make_snapshot

from .bench import Coroner

pytestmark = pytest.mark.usefixtures("signals")


@pytest.fixture
def watched(coroner: Coroner, tmp_path: Path) -> Path:
    """A directory with two snapshots, one damaged one, and one being written."""
    directory = tmp_path / "watched"
    directory.mkdir()
    with coroner.config.open("a") as config:
        config.write(f"[daemon]\nblackhole.root = {directory}\n")
    for number in (1, 2):
        (directory / f"{number}.csnap").write_bytes(make_snapshot(number, number))
    (directory / "bad.csnap").write_bytes(b"no snapshot")
    (directory / "3.part").write_bytes(make_snapshot(3)[:40])
    return directory


def test_the_daemon_sends_what_is_whole_and_sets_aside_what_is_refused(
    coroner: Coroner, watched: Path
) -> None:
    coroner.run("daemon", "--once")
    left = sorted(path.name for path in watched.iterdir())
    assert left == ["3.part", "bad.csnap.refused"]
    listed = json.loads(
        coroner.run("list", "blackhole", "--select", "object", "--json")
    )
    objects = {row["values"][0] for row in listed["rows"]}
    assert objects == {f"{1:032x}", f"{2:032x}"}


def test_exported_snapshots_are_the_ones_that_were_sent_and_are_fetched_once(
    coroner: Coroner, watched: Path, tmp_path: Path
) -> None:
    coroner.run("daemon", "--once")
    target = tmp_path / "exported"
    words = ("export", "blackhole", "--snapshots", str(target))
    assert coroner.run(*words).startswith("2 snapshots written")
    for number in (1, 2):
        body = (target / f"{number:032x}.csnap").read_bytes()
        assert body == make_snapshot(number, number)
    assert coroner.run(*words) == f"0 snapshots written to {target}, 2 were there\n"
    lines = [
        json.loads(line) for line in coroner.run("export", "blackhole").splitlines()
    ]
    assert [line["application"] for line in lines] == ["simple", "simple"]


@pytest.mark.usefixtures("watched")
def test_a_deleted_snapshot_still_counts_and_a_forgotten_fault_does_not(
    coroner: Coroner, tmp_path: Path
) -> None:
    def count() -> int:
        return len(coroner.run("export", "blackhole").splitlines())

    coroner.run("daemon", "--once")
    coroner.run("delete", "blackhole", f"{1:032x}")
    coroner.run("get", "blackhole", f"{1:032x}", "-o", str(tmp_path / "gone"), code=66)
    assert count() == 2
    coroner.run("delete", "blackhole", "--filter=application=simple", "--all", code=2)
    assert count() == 2, "several were removed without being asked for"
    coroner.run("delete", "blackhole", "--filter=application=simple", "--all", "--yes")
    assert count() == 0


@pytest.mark.usefixtures("watched")
def test_an_attachment_comes_back_as_it_was_added_until_it_is_removed(
    coroner: Coroner, tmp_path: Path
) -> None:
    coroner.run("daemon", "--once")
    words = ("attachment", "blackhole", f"{1:032x}")
    log = tmp_path / "simple.log"
    log.write_bytes(b"what it said\0" * 100)
    coroner.run(*words, "--add", str(log))
    assert "simple.log" in coroner.run(*words)
    target = tmp_path / "back"
    coroner.run(*words, "--get", "simple.log", "-o", str(target))
    assert target.read_bytes() == log.read_bytes()
    coroner.run(*words, "--delete", "simple.log")
    assert coroner.json(*words)["attachments"] == []
    coroner.run(*words, "--get", "simple.log", "-o", str(target), code=66)
