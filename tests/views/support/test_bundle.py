"""A support bundle: whole, bounded, and made of whatever is there."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.config import load_config
from coresnap.errors import ConflictError, StorageError
from coresnap.views.support import bundle as bundle_module
from coresnap.views.support import host
from coresnap.views.support.bundle import Bundle, collect, write_bundle
from coresnap.views.support.piece import Context, Piece
from coresnap.views.support.pieces import PIECES


@pytest.fixture
def context(tmp_path: Path) -> Context:
    config = attrs.evolve(
        load_config(Path(os.devnull)), root=tmp_path / "none", store_config=()
    )
    return Context(config, None)


def unpacked(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {
            member.name: stream.read()
            for member in archive
            if (stream := archive.extractfile(member)) is not None
        }


def manifest_of(files: dict[str, bytes]) -> dict[str, Any]:
    [name] = [name for name in files if name.endswith("/manifest.json")]
    found: dict[str, Any] = json.loads(files[name])
    return found


def text_piece(text: str) -> Piece:
    return Piece("text", "a text", lambda context: text)


def failing(context: Context) -> str:
    raise StorageError("the disk is away")


def broken(context: Context) -> str:
    raise ZeroDivisionError("password=hunter2hunter2")


def test_the_manifest_has_a_sum_of_every_file(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"

    write_bundle(collect(context, PIECES), path)
    files = unpacked(path)

    listed = {one["name"]: one for one in manifest_of(files)["files"]}
    assert list(listed) == [piece.name for piece in PIECES]
    for name, one in listed.items():
        data = files[f"b/{name}"]
        assert (len(data), hashlib.sha256(data).hexdigest()) == (
            one["size"],
            one["sha256"],
        )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_an_installation_there_is_a_bundle_that_says_so(
    context: Context,
) -> None:
    parts = {part.name: part for part in collect(context, PIECES).parts}

    assert "no journal at" in parts["history.txt"].problem
    assert "No such file or directory" in parts["spool.txt"].problem
    assert b'"capture"' in parts["status.json"].data
    assert b"core_pattern" in parts["kernel.txt"].data
    assert b"attrs " in parts["packages.txt"].data


def test_a_piece_that_fails_stands_for_itself_alone(context: Context) -> None:
    pieces = (
        Piece("a", "fails", failing),
        Piece("b", "is broken", broken),
        text_piece("here"),
    )

    first, second, third = collect(context, pieces).parts

    assert (first.data, first.problem) == (b"the disk is away", "the disk is away")
    assert second.problem == "ZeroDivisionError: password=[scrubbed token]"
    assert (third.data, third.problem) == (b"here", "")


def test_of_what_is_too_long_the_end_is_kept(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "LIMIT", 100)

    [part] = collect(context, [text_piece("x" * 500 + "the end")]).parts

    assert part.cut
    assert part.data.startswith(b"(the beginning is left out)\n")
    assert part.data.endswith(b"the end")
    assert len(part.data) < 150


def test_a_file_that_is_there_is_left_alone(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_text("mine")

    with pytest.raises(ConflictError, match="is there already"):
        write_bundle(Bundle(0, ()), path)
    assert path.read_text() == "mine"


def test_a_program_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_SECONDS", 0.2)

    assert host.asked(["sleep", "60"]) == "(TimeoutExpired after at most 0.2 s)"
    assert host.asked(["no-such-program"]) == "(no-such-program is not there)"


def test_programs_are_asked_without_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")

    assert "hunter2" not in host.asked(["env"])
