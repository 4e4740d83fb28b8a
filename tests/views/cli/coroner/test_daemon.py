"""``coroner daemon``: what stands in the way of a pass, and what waits there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coresnap.store.client.connection import Patience
from store.server.snapshots import make_snapshot

from .bench import Coroner

pytestmark = pytest.mark.usefixtures("signals")

EX_NOINPUT, EX_IOERR, EX_TEMPFAIL = 66, 74, 75


@pytest.fixture
def watched(coroner: Coroner, tmp_path: Path) -> Path:
    directory = tmp_path / "watched"
    directory.mkdir()
    with coroner.config.open("a") as config:
        config.write(f"[daemon]\nblackhole.root = {directory}\n")
    return directory


def left(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_link_that_takes_a_files_place_is_not_followed(
    coroner: Coroner,
    watched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(make_snapshot(1))
    link = watched / "1.csnap"
    link.symlink_to(secret)
    # As if it had been a file when the directory was read.
    monkeypatch.setattr(
        "coresnap.views.cli.coroner.daemon._waiting", lambda root: [link]
    )
    answer = coroner.answer("daemon", "--once")
    assert answer.code != 0
    assert f"{1:032x}" not in answer.output
    assert left(watched) == ["1.csnap"]


def test_a_file_that_cannot_be_read_keeps_none_of_the_others_from_being_sent(
    coroner: Coroner, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        (watched / f"{number}.csnap").write_bytes(make_snapshot(number))
    opened = os.open

    def refuse(path: str | Path, flags: int, *rest: int, **names: int) -> int:
        if str(path).endswith("2.csnap"):
            raise OSError(5, "Input/output error", str(path))
        return opened(path, flags, *rest, **names)

    monkeypatch.setattr(os, "open", refuse)
    answer = coroner.answer("daemon", "--once")
    assert answer.code == EX_NOINPUT
    assert "2.csnap: Input/output error" in answer.error
    assert left(watched) == ["2.csnap"]


def test_what_is_refused_takes_no_earlier_ones_place(
    coroner: Coroner, watched: Path
) -> None:
    for text in (b"first", b"second", b"third"):
        (watched / "bad.csnap").write_bytes(text)
        coroner.answer("daemon", "--once")
    names = ["bad.csnap.2.refused", "bad.csnap.3.refused", "bad.csnap.refused"]
    assert left(watched) == names
    assert [(watched / name).read_bytes() for name in names] == [
        b"second",
        b"third",
        b"first",
    ]


def test_what_was_sent_and_cannot_be_removed_is_not_sent_again(
    coroner: Coroner, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (watched / "1.csnap").write_bytes(make_snapshot(1))

    def refuse(path: object, **_: object) -> None:
        raise OSError(30, "Read-only file system", path)

    passes = []

    def pause(seconds: float) -> None:
        passes.append(seconds)
        if len(passes) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "unlink", refuse)
    monkeypatch.setattr("coresnap.views.cli.coroner.daemon._sleep", pause)
    answer = coroner.answer("daemon", "--foreground")
    assert answer.output.count(f"{1:032x}") == 1
    assert answer.error.count("the store has") == 1


def test_a_store_that_is_away_is_said_once_for_a_directory(
    coroner: Coroner, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: 0.0)
    for number in (1, 2):
        (watched / f"{number}.csnap").write_bytes(make_snapshot(number))
    text = coroner.config.read_text().replace(coroner.live.url, "http://127.0.0.1:1")
    coroner.config.write_text(text)
    answer = coroner.answer("daemon", "--once")
    assert answer.code == EX_TEMPFAIL
    assert answer.error.count("cannot reach the store") == 1
    assert left(watched) == ["1.csnap", "2.csnap"]


def test_a_directory_that_is_gone_does_not_keep_the_others_from_being_sent(
    coroner: Coroner, watched: Path, tmp_path: Path
) -> None:
    with coroner.config.open("a") as config:
        config.write(f"second.root = {tmp_path}/gone\nsecond.token = blackhole\n")
    (watched / "1.csnap").write_bytes(make_snapshot(1))
    answer = coroner.answer("daemon", "--once")
    assert answer.code == EX_IOERR
    assert f"{tmp_path}/gone" in answer.error
    assert left(watched) == []
