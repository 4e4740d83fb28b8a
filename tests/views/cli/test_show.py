from __future__ import annotations

import json
from pathlib import Path

import pytest

from coresnap.analysis.session import analyze_record
from coresnap.backends import crash_record
from coresnap.collect.spool import Part
from coresnap.crash import Crash
from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli.main import main
from snapshot import specimens

Captured = pytest.CaptureFixture[str]

ANALYSED = "4f1c" + "0" * 28
WAITING = "77aa" + "0" * 28
RECORD = "c0de" + "0" * 28


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A spool with one analysed and one waiting crash, and a file that names it."""
    spool = tmp_path / "archive"
    for part in Part:
        (spool / part).mkdir(parents=True)
    write_snapshot(specimens.full(), spool / Part.SNAPSHOT / ANALYSED)
    (spool / Part.CORE / WAITING).write_bytes(b"a core")
    file = tmp_path / "coresnap.conf"
    file.write_text(f"[archive]\nroot = {tmp_path}\n")
    return file


def test_a_file_is_shown(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "x.csnap"
    write_snapshot(specimens.full(), path)

    assert main(["show", str(path)]) == 0
    assert "crashed by SIGABRT" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["4f1c", "4", "sending/4f1c", ANALYSED, "4f1c00000"])
def test_a_crash_is_shown_by_the_start_of_its_id(
    name: str, settings: Path, capsys: Captured
) -> None:
    assert main(["show", "--config", str(settings), name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pid"] == 4242


def test_a_crash_without_a_core_says_what_was_kept_and_why(
    settings: Path, capsys: Captured
) -> None:
    capture = {"rung": "record", "rung_reason": "no-space", "parked": 2_500_000}
    members = {
        "crash.json": crash_record.encode(Crash(pid=7, signal=11, time=1)),
        "capture.json": json.dumps({**capture, "budget": 120 * 10**9}).encode(),
    }
    path = settings.parent / "archive" / Part.SNAPSHOT / RECORD
    write_snapshot(analyze_record(members), path)

    assert main(["show", "--config", str(settings), RECORD]) == 0
    text = capsys.readouterr().out
    assert "capture      record (no-space); process held for 2.5 ms of 2m00s" in text


def test_a_crash_that_waits_is_an_error_that_says_what_to_do(
    settings: Path, capsys: Captured
) -> None:
    assert main(["show", "--config", str(settings), "77"]) == 66

    complaint = capsys.readouterr().err
    assert f"crash {WAITING} has no snapshot yet" in complaint
    assert f"coresnap analyze {settings.parent}/archive/pending/{WAITING}" in complaint


@pytest.mark.parametrize("name", ["ffff", "no-such-file.csnap", "/absent/4f1c"])
def test_what_is_neither_file_nor_crash_is_missing(
    name: str, settings: Path, capsys: Captured
) -> None:
    assert main(["show", "--config", str(settings), name]) == 66
    assert name in capsys.readouterr().err


def test_a_thread_that_is_not_there_is_a_usage_error(
    settings: Path, capsys: Captured
) -> None:
    words = ["show", "--config", str(settings), "4f1c", "--thread", "9"]

    assert main(words) == 2
    assert "no thread 9" in capsys.readouterr().err


def test_a_file_that_is_no_snapshot_is_refused(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "x.csnap"
    path.write_bytes(b"text")

    assert main(["show", str(path)]) == 65
    assert "not a coresnap snapshot" in capsys.readouterr().err
