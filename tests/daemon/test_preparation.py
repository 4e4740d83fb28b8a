"""A worker is given what it cannot read itself: the administrator's rules."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from coresnap.collect.spool import Part, Spool
from coresnap.config import load_config
from coresnap.daemon.job import Job, analyse_core
from coresnap.daemon.preparation import prepare
from coresnap.snapshot.container import read_snapshot

CRASH = "4f1c" + "0" * 28


def prepared(tmp_path: Path, rules: str) -> Job:
    """The job of a crash under a configuration with ``rules`` in a directory."""
    directory = tmp_path / "fingerprint.d"
    directory.mkdir()
    (directory / "own.conf").write_text(rules)
    file = tmp_path / "coresnap.conf"
    file.write_text(
        f"[archive]\nroot = {tmp_path}\n[analysis]\nfingerprint.rules = {directory}\n"
    )
    config = load_config(file)
    for part in Part:
        (config.spool / part).mkdir(parents=True)
    (config.spool / Part.CORE / CRASH).write_bytes(b"a core")
    with Spool(config.spool) as spool, contextlib.ExitStack() as files:
        archive = spool.find(CRASH)
        return prepare(archive, spool, config, None, files)


def test_the_rules_are_read_before_the_worker_is_confined(tmp_path: Path) -> None:
    job = prepared(tmp_path, "[rule one]\nfunction = ^log_\nignore = yes\n")

    (found,) = job.rulesets
    assert (found.name, found.rules[0].name) == ("own", "one")
    assert job.ruleset_problem == ""


def test_a_mistake_in_them_costs_the_rules_and_not_the_analysis(tmp_path: Path) -> None:
    job = prepared(tmp_path, "[rule one]\nfunction = (\n")

    assert job.rulesets == ()
    assert "own.conf:2" in job.ruleset_problem


def test_the_snapshot_says_that_the_rules_were_not_used(tmp_path: Path) -> None:
    job = Job(
        CRASH,
        tmp_path / "none",
        0,
        None,
        None,
        (),
        is_record=True,
        ruleset_problem="none of fingerprint.rules is used: own.conf:2: …",
    )
    output = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT, 0o600)
    facts = analyse_core(job, output)
    os.close(output)

    notes = read_snapshot(tmp_path / "out").notes
    assert job.ruleset_problem in [n.message for n in notes if n.step == "fingerprint"]
    assert json.dumps(facts)
