"""``coresnap support-bundle``, as typed."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from coresnap.views.support.pieces import PIECES

from .operations import Bench


def test_it_says_what_would_be_in_it_and_collects_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    answer = bench.run("support-bundle", "--list")

    assert [line.split()[0] for line in answer.output.splitlines()] == [
        piece.name for piece in PIECES
    ]
    assert not list(tmp_path.iterdir())


def test_it_is_named_by_host_and_time_and_says_what_is_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    answer = bench.run("support-bundle")

    [path] = tmp_path.iterdir()
    assert path.name.startswith("coresnap-support-")
    assert "history.txt" in answer.output
    assert "not complete: no journal at" in answer.output
    assert f"{path.name}: read it before you give it away" in answer.output
    with tarfile.open(path) as archive:
        assert len(archive.getnames()) == len(PIECES) + 1


def test_settings_that_make_no_sense_are_no_obstacle(
    bench: Bench, tmp_path: Path
) -> None:
    bench.source.write_text("[archive\nroot = /x\nnonsense\n")
    path = tmp_path / "b.tar.gz"

    assert bench.run("support-bundle", "-o", str(path)).code == 0

    with tarfile.open(path) as archive:
        stream = archive.extractfile("b/coresnap.conf")
        assert stream is not None
        text = stream.read().decode()
    assert "# line 3 makes no sense" in text
    assert "nonsense" not in text.partition("\n")[2]


def test_where_nothing_can_be_written_it_says_so(bench: Bench) -> None:
    answer = bench.run("support-bundle", "-o", str(bench.directory / "none" / "b.tgz"))

    assert answer.code == 74
    assert "cannot write" in answer.error
