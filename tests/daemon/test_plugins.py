"""Plug-ins run inside the worker's limits: they read, and cannot do anything else."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.analysis.plugins import run as plugin_run
from coresnap.analysis.plugins.processes import ProcessOfSnapshot
from coresnap.analysis.plugins.run import run_plugins
from coresnap.backends.linux import LinuxBackend
from coresnap.config import load_config
from coresnap.daemon.job import Job
from coresnap.daemon.worker import Outcome, Verdict, Worker
from coresnap.plugin import CrashView
from snapshot import specimens


def judged(tmp_path: Path, *plugins: Any) -> Outcome:  # noqa: ANN401 - plug-ins
    """What a worker tells that has ``plugins`` look at a snapshot."""
    (tmp_path / "conf").write_text("")
    config = attrs.evolve(
        load_config(tmp_path / "conf"), root=tmp_path, user="root", worker_time=30
    )
    named = {plugin.__name__: plugin for plugin in plugins}

    def analyse(job: Job, output: int) -> dict[str, Any]:
        snapshot = specimens.small()
        found = run_plugins(named, snapshot, ProcessOfSnapshot(snapshot))
        return {
            "notes": [note.message for note in found.notes],
            "seen": found.attributes.get("seen"),
        }

    job = Job("0" * 32, tmp_path / "core", 0, None, None, ())
    output = os.open(tmp_path / "output", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        backend = LinuxBackend(config)
        return Worker(job, output, config, backend, analyse, None).wait()
    finally:
        os.close(output)


def reads(view: CrashView) -> None:
    view.add_attribute("seen", len(view.threads))


def writes(view: CrashView) -> None:
    Path("/tmp/coresnap-plugin-was-here").write_text("x")


def talks(view: CrashView) -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=1)


def sleeps(view: CrashView) -> None:
    time.sleep(60)


@pytest.mark.root
def test_a_plugin_reads_and_does_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_run, "TIME_LIMIT", 0.2)

    outcome = judged(tmp_path, reads, writes, talks, sleeps)

    assert outcome.verdict == Verdict.DONE, outcome.reason
    assert outcome.facts["seen"] == 1
    notes = dict(note.split(": ", 1) for note in outcome.facts["notes"][-3:])
    assert notes.keys() == {"writes", "talks", "sleeps"}
    assert notes["writes"].startswith("PermissionError")
    assert "was stopped after 0.2 seconds" in notes["sleeps"]
    assert not Path("/tmp/coresnap-plugin-was-here").exists()
