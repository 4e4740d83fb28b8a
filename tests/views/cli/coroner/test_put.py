"""``coroner put`` of several files, of what is no file, and of what goes wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coresnap.store.client.connection import Patience
from store.server.snapshots import make_snapshot

from .bench import Coroner

EX_DIFFERENT, EX_USAGE, EX_DATAERR, EX_NOINPUT = 1, 2, 65, 66
EX_IOERR, EX_TEMPFAIL, EX_NOPERM = 74, 75, 77
PUT = ("put", "blackhole", "blackhole")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csnap"
    path.write_bytes(make_snapshot(1))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.csnap"
    path.write_bytes(b"no snapshot")
    return path


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_file_that_fails_keeps_none_of_the_others_from_being_sent(
    coroner: Coroner, good: Path, bad: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second.csnap"
    second.write_bytes(make_snapshot(2))
    answer = coroner.answer(*PUT, str(good), str(bad), str(second))

    assert answer.code == EX_DATAERR
    assert [line[:32] for line in answer.output.splitlines()] == [
        f"{1:032x}",
        f"{2:032x}",
    ]
    assert answer.error.startswith(f"coroner: {bad}: ")
    assert answer.error.count("coroner: ") == 1


def test_with_json_every_file_has_a_line_that_says_what_became_of_it(
    coroner: Coroner, good: Path, bad: Path
) -> None:
    answer = coroner.answer(*PUT, "--json", str(bad), str(good))
    refused, taken = lines(answer.output)

    assert answer.code == EX_DATAERR
    assert refused["file"] == str(bad)
    assert refused["error"]["class"] == "SnapshotFormatError"
    assert refused["error"]["exit_code"] == EX_DATAERR
    assert (taken["file"], taken["object"]) == (str(good), f"{1:032x}")
    assert "error" not in taken


def test_the_status_is_that_of_all_failures_and_1_where_they_differ(
    coroner: Coroner, good: Path, bad: Path, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    assert coroner.answer(*PUT, missing, str(good), missing).code == EX_NOINPUT
    assert coroner.answer(*PUT, missing, str(bad)).code == EX_DIFFERENT
    assert coroner.answer(*PUT, str(bad), missing).code == EX_DIFFERENT


def test_what_is_no_file_is_not_opened(
    coroner: Coroner, good: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Opening the pipe would wait for a writer, for ever.
    for other in (pipe, tmp_path, Path("/dev/null")):
        answer = coroner.answer(*PUT, str(other), str(good))
        assert answer.code == EX_USAGE
        assert f"{other} is no file" in answer.error
        assert f"{1:032x}" in answer.output


def test_a_file_that_cannot_be_removed_is_told_as_sent(
    coroner: Coroner, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, **_: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "unlink", refuse)
    answer = coroner.answer(*PUT, "-u", "--json", str(good))
    (line,) = lines(answer.output)

    assert answer.code == EX_IOERR
    assert line["object"] == f"{1:032x}"
    assert "the store has" in line["error"]["message"]
    assert "the store has" in answer.error


def test_a_file_that_took_the_place_of_the_sent_one_is_not_removed(
    coroner: Coroner, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.store.client import putting

    sent = putting.put_snapshot

    def swap(*words: Any, **options: Any) -> Any:  # noqa: ANN401
        accepted = sent(*words, **options)
        (tmp_path / "new").write_bytes(b"not sent yet")
        (tmp_path / "new").replace(good)
        return accepted

    monkeypatch.setattr(putting, "put_snapshot", swap)
    coroner.run(*PUT, "-u", str(good))
    assert good.read_bytes() == b"not sent yet"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_not_said_to_be_missing(
    coroner: Coroner, good: Path
) -> None:
    good.chmod(0)
    assert "may not be read" in coroner.run(*PUT, str(good), code=EX_NOPERM)


def test_a_store_that_is_away_ends_the_command_at_once(
    coroner: Coroner, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: 0.0)
    config = coroner.config.with_name("away.cf")
    config.write_text(
        "[universe]\nname = cf\nwrite = http://127.0.0.1:1\n"
        f"read = http://127.0.0.1:1\n[token]\nblackhole = {coroner.token}\n"
    )
    config.chmod(0o600)
    answer = coroner.answer("-c", str(config), *PUT, "--json", str(good), str(good))
    told = lines(answer.output)

    assert answer.code == EX_TEMPFAIL
    assert answer.error.count("cannot reach the store") == 1
    assert "coroner serve" in answer.error
    assert [list(line) for line in told] == [["error"]]
    assert told[0]["error"]["exit_code"] == EX_TEMPFAIL


def test_a_token_that_may_not_ends_the_command_at_once(
    coroner: Coroner, good: Path
) -> None:
    words = ("put", "blackhole", "ab" * 32)
    answer = coroner.answer(*words, str(good), str(good))
    assert answer.code == EX_NOPERM
    assert answer.error.count("coroner: ") == 1


def test_a_forgotten_token_is_told_from_a_file(coroner: Coroner, good: Path) -> None:
    said = coroner.run("put", "blackhole", str(good), str(good), code=EX_USAGE)
    assert "coroner put PROJECT TOKEN FILE" in said
