"""Secrets planted everywhere, and none of them in the bundle."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from coresnap.collect.journal import Event, Journal
from coresnap.collect.sending_state import (
    SendingState,
    SetAside,
    write_sending_state,
)
from coresnap.collect.spool import Part, create_spool
from coresnap.config import load_config

ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"

# One for each place, of each kind that a scrubber knows; and tokens of ours.
CANARIES = {
    "token": "3c0aad61ae5f962137bbcd8655f2ec6688bc9dee3bb3f6829c86c3095acfb056",
    "misplaced token": "77aad61ae5f962137bbcd8655f2ec6688bc9dee3bb3f6829c86c3095ac",
    "comment": "hunter2canary-in-a-comment",
    "URL": "canaryurlpass77",
    "environment": "canary-environment-1199",
    "core": "canary-core-4711",
    "assets": "canary-assets-4712",
    "snapshot": "canary-snapshot-4713",
    "reason": "canaryreason4714",
    "log": "canarylog4715",
    "log's key": "AKIAIOSFODNN7CANARYX",
    "state": "canarystate4716",
    "argument": "canary-argument-4717",
    "password setting": "canary-setting-4718",
}
LOG = f"""\
2026-11-27T01:02:03+0000 host coresnapd[1]: crash {ID} is given up
2026-11-27T01:02:04+0000 host coresnapd[1]: POST /x?password={CANARIES["log"]} failed
2026-11-27T01:02:05+0000 host coresnapd[1]: key {CANARIES["log's key"]}
2026-11-27T01:02:06+0000 host coresnapd[1]: the store says {CANARIES["token"]} is old
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A host with secrets in every place that a bundle is made from, or near it."""
    store = tmp_path / "coroner.cf"
    store.write_text(
        f"# it was {CANARIES['comment']}\n[universe]\nname = cf\n"
        f"write = http://me:{CANARIES['URL']}@127.0.0.1:9\n"
        f"{CANARIES['misplaced token']}\n"
        f"[token]\nblackhole = {CANARIES['token']}\n"
    )
    source = tmp_path / "coresnap.conf"
    source.write_text(
        f"# password = {CANARIES['comment']}\n[archive]\nroot = {tmp_path}/r\n"
        f"[sending]\nstore.config = {store}\n"
        f"scrub = none\napi_key = {CANARIES['password setting']}\n"
    )
    return source


def plant(root: Path, source: Path, *, settings_are_good: bool) -> None:
    if settings_are_good:
        text = source.read_text()
        source.write_text(text.partition("api_key")[0])
    config = load_config(source) if settings_are_good else None
    spool = root / "r" / "archive"
    create_spool(spool)
    for part, name in (
        (Part.CORE, "core"),
        (Part.ASSETS, "assets"),
        (Part.SNAPSHOT, "snapshot"),
    ):
        (spool / part / ID).write_text(f"secret={CANARIES[name]}")
    (root / "r" / "journal").mkdir()
    with Journal(root / "r" / "journal" / "journal.sqlite") as journal:
        journal.record(ID, Event.ARRIVED, argument=CANARIES["argument"])
        reason = f"cannot open db?password={CANARIES['reason']}"
        journal.record(ID, Event.GAVE_UP, reason=reason)
    if config is not None:
        trouble = f"the store said Authorization: Bearer {CANARIES['state']}"
        aside = (SetAside(ID, f"it had {CANARIES['token']}"),)
        state = SendingState("http://x", trouble, 0, aside)
        write_sending_state(config.sending_state, state)


def make_programs(directory: Path) -> None:
    """What answers for journalctl; the others are not there."""
    directory.mkdir()
    (directory / "log").write_text(LOG)
    program = directory / "journalctl"
    program.write_text(f"#!/bin/sh\nexec /bin/cat {directory}/log\n")
    program.chmod(0o755)


def make_bundle(root: Path, source: Path) -> tuple[dict[str, bytes], str]:
    """Run the command as people do; return the files of the bundle, and its output."""
    make_programs(root / "bin")
    path = root / "bundle.tar.gz"
    environment = {
        **{"PATH": str(root / "bin"), "PYTHONPATH": os.pathsep.join(sys.path)},
        "DB_PASSWORD": CANARIES["environment"],
    }
    words = ["--config", str(source), "support-bundle", "-o", str(path)]
    run = subprocess.run(
        [sys.executable, "-m", "coresnap", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    with tarfile.open(path) as archive:
        files = {
            member.name.rpartition("/")[2]: stream.read()
            for member in archive
            if (stream := archive.extractfile(member)) is not None
        }
    whole = gzip.decompress(path.read_bytes())
    assert len(whole) > sum(map(len, files.values()))
    return {**files, "": whole}, run.stdout + run.stderr


@pytest.mark.parametrize("settings_are_good", [True, False])
def test_no_canary_is_in_the_bundle(
    tmp_path: Path, source: Path, *, settings_are_good: bool
) -> None:
    plant(tmp_path, source, settings_are_good=settings_are_good)

    files, output = make_bundle(tmp_path, source)

    for place, canary in CANARIES.items():
        # Nor the beginning of one, as messages quote it.
        beginning = canary[:40]
        assert beginning not in output, place
        for name, data in files.items():
            assert beginning.encode() not in data, f"{place} is in {name}"
    # What was to be collected was: the canaries are absent from what is there.
    assert b"is given up" in files["log.txt"]
    assert b"[scrubbed " in files["log.txt"]
    assert b"blackhole = (removed)" in files["coroner.cf"] or not settings_are_good
    if settings_are_good:
        assert b"gave-up" in files["history.txt"]
        assert ID.encode() in files["spool.txt"]
        assert b"cannot open db?password=[scrubbed token]" in files["history.txt"]
        assert b'"trouble": "the store said' in files["status.json"]


def test_the_canaries_would_be_found(tmp_path: Path, source: Path) -> None:
    """Each stands in what the bundle is made from, or beside it, as planted."""
    plant(tmp_path, source, settings_are_good=True)
    make_programs(tmp_path / "bin")
    everything = b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    )
    planted = set(CANARIES) - {"environment", "password setting"}

    assert {p for p in planted if CANARIES[p].encode() not in everything} == set()
