"""What the program that scrubs does before it reads a snapshot, and what after."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from conftest import Corpus
from coresnap.analysis.session import SearchPlaces, analyze_core
from coresnap.daemon.scrubbing_program import LENGTH, Head
from coresnap.model import Snapshot
from coresnap.snapshot.container import read_snapshot, write_snapshot

SOURCE = Path(sys.modules["coresnap"].__file__ or "").parent.parent
PROGRAM = """
import sys
from coresnap.daemon import scrubbing_program

def refuse(event, words):
    # A number is a descriptor, which FreeBSD's capability mode leaves.
    if event == "open" and not isinstance(words[0], int):
        raise PermissionError(94, "not permitted in capability mode", words[0])

scrubbing_program.confine = lambda: sys.addaudithook(refuse)
scrubbing_program.main()
"""


def scrubbed(snapshot: Path, rules: str) -> tuple[Head, bytes]:
    with snapshot.open("rb") as source:
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, rules],
            stdin=source,
            capture_output=True,
            check=True,
            env={"PYTHONPATH": str(SOURCE)},
        )
    (size,) = LENGTH.unpack(run.stdout[: LENGTH.size])
    end = LENGTH.size + size
    return msgspec.json.decode(run.stdout[LENGTH.size : end], type=Head), run.stdout[
        end:
    ]


@pytest.mark.corpus
@pytest.mark.parametrize("rules", ["{}", '{"built_in": []}'])
def test_once_confined_it_opens_no_file(
    corpus: Corpus, tmp_path: Path, rules: str
) -> None:
    core = corpus.path("freebsd/cores/threads/crash.292.0.11.fbsdlab.core")
    snapshot = analyze_core(core, SearchPlaces())
    write_snapshot(snapshot, tmp_path / "snapshot")

    head, body = scrubbed(tmp_path / "snapshot", rules)

    assert not head.error
    assert head.attributes
    assert body == (tmp_path / "snapshot").read_bytes()


def test_once_confined_it_still_takes_secrets_out(tmp_path: Path) -> None:
    assets = {"process/environ": b"API_KEY=verysecretvalue\0"}
    snapshot = Snapshot("FreeBSD", "x86-64", 1, "prog", None, None)
    write_snapshot(
        msgspec.structs.replace(snapshot, assets=assets), tmp_path / "snapshot"
    )

    head, body = scrubbed(tmp_path / "snapshot", "{}")

    assert head.scrubbed
    (tmp_path / "scrubbed").write_bytes(body)
    left = read_snapshot(tmp_path / "scrubbed").assets["process/environ"]
    assert b"API_KEY" in left
    assert b"verysecretvalue" not in left


def test_what_is_no_snapshot_is_said_as_before(tmp_path: Path) -> None:
    (tmp_path / "snapshot").write_bytes(b"none")

    head, body = scrubbed(tmp_path / "snapshot", "{}")

    assert head.error
    assert not body
