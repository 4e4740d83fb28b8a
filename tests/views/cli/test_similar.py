"""``coresnap similar`` ranks crashes by their stacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coresnap.collect.spool import Part
from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli.main import main
from snapshot import specimens

Captured = pytest.CaptureFixture[str]
STACKS = {
    "one": "fault parse serve main",
    "same": "fault parse serve main",
    "near": "fault parse_inline parse serve main",
    "far": "poll loop main",
}


def write(directory: Path, name: str, target: str = "") -> Path:
    frames = tuple(STACKS[name].split())
    digest = frames[1].encode().hex().ljust(64, "0")
    path = directory / (target or f"{name}.csnap")
    write_snapshot(specimens.small(fingerprint=digest, fingerprint_frames=frames), path)
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in STACKS:
        write(tmp_path, name)
    return tmp_path


def ranked(capsys: Captured, *words: str) -> list[dict[str, object]]:
    assert main(["similar", *words, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["similar"]
    return found


def test_the_nearest_come_first_and_equal_ones_are_no_suggestion(
    directory: Path, capsys: Captured
) -> None:
    one = str(directory / "one.csnap")
    near, far = ranked(capsys, one, str(directory), "--all")

    assert str(near["first"]).endswith("near.csnap")
    assert str(far["first"]).endswith("far.csnap")
    assert ranked(capsys, one, str(directory)) == [near]


def test_the_frames_are_laid_beside_each_other(
    directory: Path, capsys: Captured
) -> None:
    words = [str(directory / name) for name in ("one.csnap", "near.csnap")]
    assert main(["similar", *words, "--explain"]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == [
        ["=", "fault"],
        ["+", "parse_inline"],
        ["~", "parse"],
        ["~", "serve"],
        ["~", "main"],
    ]


def test_without_others_the_spool_is_searched(tmp_path: Path, capsys: Captured) -> None:
    spool = tmp_path / "archive"
    for part in Part:
        (spool / part).mkdir(parents=True)
    for number, name in enumerate(("near", "near", "far")):
        write(spool / Part.SNAPSHOT, name, f"{number:032x}")
    config = tmp_path / "coresnap.conf"
    config.write_text(f"[archive]\nroot = {tmp_path}\n")

    one = str(write(tmp_path, "one"))
    (found,) = ranked(capsys, one, "--config", str(config))
    assert found["crashes"] == 2


def test_nothing_near_is_said(directory: Path, capsys: Captured) -> None:
    words = [str(directory / name) for name in ("one.csnap", "far.csnap")]

    assert main(["similar", *words]) == 0
    assert capsys.readouterr().out == "nothing is near this crash (see --all)\n"


def test_a_damaged_snapshot_in_the_spool_is_left_out(
    tmp_path: Path, capsys: Captured
) -> None:
    spool = tmp_path / "archive"
    for part in Part:
        (spool / part).mkdir(parents=True)
    (spool / Part.SNAPSHOT / ("0" * 32)).write_bytes(b"damaged")
    write(spool / Part.SNAPSHOT, "near", "1" * 32)
    config = tmp_path / "coresnap.conf"
    config.write_text(f"[archive]\nroot = {tmp_path}\n")
    one = str(write(tmp_path, "one"))

    assert main(["similar", one, "--config", str(config)]) == 0
    out, err = capsys.readouterr()
    assert "the first 111111111111" in out
    assert "000000000000 is left out" in err


def test_the_same_fault_is_named_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alike = specimens.small(fingerprint="5a" * 32, fingerprint_frames=("a:f", "a:g"))
    words = []
    for name in ("one", "two", "three"):
        path = tmp_path / f"{name}.csnap"
        write_snapshot(alike, path)
        words.append(str(path))

    assert main(["similar", *words]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first == f"same   5a5a5a5a5a5a5a5a  2 crashes, the first {words[1]}"
    assert second.startswith("nothing is near")
    assert main(["similar", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] == 2
