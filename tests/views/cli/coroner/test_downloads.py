"""``coroner get``, ``export`` and ``attachment``: what comes, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from coresnap.errors import NetworkError
from coresnap.store.client.client import Client
from store.server.snapshots import make_snapshot

from .bench import Coroner

EX_USAGE, EX_NOINPUT, EX_IOERR, EX_TEMPFAIL = 2, 66, 74, 75


def left(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def faults(coroner: Coroner) -> Coroner:
    """Three faults, ``1…``, ``1…`` and ``2…``."""
    for name in ("1a" * 16, "1b" * 16, "2c" * 16):
        coroner.put(1, **{"coresnap.object": name})
    return coroner


def test_a_start_of_several_ids_names_them_and_one_of_none_says_where_to_look(
    faults: Coroner, tmp_path: Path
) -> None:
    said = faults.run("get", "blackhole", "1", "-o", str(tmp_path), code=EX_USAGE)
    assert "1a" * 16 in said
    assert "1b" * 16 in said
    assert "2c" * 16 not in said
    said = faults.run("get", "blackhole", "3", code=EX_NOINPUT)
    assert "coroner list blackhole -i" in said
    said = faults.run("get", "blackhole", "no-id", code=EX_USAGE)
    assert "32 hexadecimal digits" in said
    told = faults.answer("get", "blackhole", "2C2C-", "-o", str(tmp_path), "--json")
    assert json.loads(told.output)["file"] == str(tmp_path / f"{'2c' * 16}.csnap")


def test_a_report_is_made_of_the_fault_that_is_named(
    faults: Coroner, tmp_path: Path
) -> None:
    path = tmp_path / "fault.html"
    told = faults.answer("report", "blackhole", "2c", "-o", str(path), "--json")
    assert json.loads(told.output)["file"] == str(path)
    assert "coresnap.object" in path.read_text()
    said = faults.run("report", "blackhole", "2c", "--markdown")
    assert said.startswith("# simple (pid 42)")
    faults.run("report", "blackhole", "3", "--text", code=EX_NOINPUT)


def test_an_export_that_broke_goes_on_with_what_is_missing(
    faults: Coroner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "exported"
    words = ("export", "blackhole", "--snapshots", str(target))
    download = Client.download

    def break_last(client: Client, endpoint: Any, to: BinaryIO, **names: str) -> int:  # noqa: ANN401
        if names["object"].startswith("1a"):
            to.write(b"half of")
            raise NetworkError("the download breaks again and again")
        return download(client, endpoint, to, **names)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "download", break_last)
        faults.run(*words, code=EX_TEMPFAIL)
    assert left(target) == [f"{'1b' * 16}.csnap", f"{'2c' * 16}.csnap"]
    assert faults.run(*words) == f"1 snapshots written to {target}, 2 were there\n"
    assert len(left(target)) == 3


def test_a_snapshot_that_cannot_be_written_leaves_nothing(
    faults: Coroner, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    for words in (
        ("get", "blackhole", "2c", "-o", str(blocked / "x")),
        ("export", "blackhole", "--snapshots", str(blocked / "x")),
    ):
        assert "Not a directory" in faults.run(*words, code=EX_IOERR)
    assert blocked.read_bytes() == b""


def test_an_attachment_is_written_beside_nothing_that_is_there(
    faults: Coroner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "log.txt"
    monkeypatch.chdir(tmp_path)
    words = ("attachment", "blackhole", "2c")
    (tmp_path / name).write_bytes(b"what it said")
    faults.run(*words, "--add", name)
    (one,) = faults.json(*words)["attachments"]

    said = faults.run(*words, "--get", one["id"], code=EX_USAGE)
    assert "is there already" in said
    os.unlink(name)
    assert faults.run(*words, "--get", one["id"]) == "log.txt: 12 B\n"
    assert (tmp_path / name).read_bytes() == b"what it said"

    said = faults.run(*words, "--get", one["id"], "-o", "gone/x", code=EX_IOERR)
    assert "cannot write gone/x" in said
    assert faults.json(*words, "--delete", one["id"]) == {"removed": one["id"]}


def test_a_hidden_name_is_not_written_unasked(
    faults: Coroner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".profile").write_bytes(b"rm -rf /")
    words = ("attachment", "blackhole", "2c")
    faults.run(*words, "--add", str(tmp_path / ".profile"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    said = faults.run(*words, "--get", ".profile", code=EX_USAGE)
    assert "-o FILE" in said
    assert left(tmp_path / "home") == []


def test_a_snapshot_is_replaced_only_by_a_whole_one(
    faults: Coroner, tmp_path: Path
) -> None:
    target = tmp_path / "got"
    target.write_bytes(b"before")
    faults.run("get", "blackhole", "3", "-o", str(target), code=EX_NOINPUT)
    assert target.read_bytes() == b"before"
    faults.run("get", "blackhole", "2c", "-o", str(target))
    body = make_snapshot(3, 1, **{"coresnap.object": "2c" * 16})
    assert target.read_bytes() == body
    assert target.stat().st_mode & 0o777 == 0o600
