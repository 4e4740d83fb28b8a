"""``coresnap catch-test``: a crash on purpose, followed through, by all three ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kernel
from coresnap.collect.spool import Spool
from coresnap.snapshot.container import read_snapshot
from shortpath import short_directory

from .operations import Bench, make_bench

pytestmark = [pytest.mark.root, pytest.mark.core_pattern]


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    with short_directory() as directory, kernel.core_pattern("core"):
        yield make_bench(directory, capsys)


def test_a_fresh_machine_is_tried_and_left_as_it_was(
    bench: Bench, tmp_path: Path
) -> None:
    answer = bench.run("catch-test", "-o", str(tmp_path / "kept"))

    assert answer.code == 0, answer.error
    assert "not installed: catching once" in answer.output
    assert "died of SIGSEGV" in answer.output
    assert "a worker made the snapshot, confined by " in answer.output
    assert "times smaller" in answer.output
    assert "[pending]/0O/0B [sending]/1O/" in answer.output
    assert kernel.CORE_PATTERN.read_text() == "core\n"
    assert kernel.CORE_PIPE_LIMIT.read_text() == "0\n"
    assert not bench.config.root.exists()
    snapshot = read_snapshot(tmp_path / "kept")
    assert snapshot.signal is not None
    assert snapshot.signal.name == "SIGSEGV"
    assert snapshot.attributes["uname.sysname"] == "Linux"


@pytest.mark.compiler
@pytest.mark.libdw
def test_the_answer_has_function_line_and_variables(bench: Bench) -> None:
    answer = bench.run("catch-test", "--json")

    assert answer.code == 0, answer.error
    body = answer.json
    frames = body["snapshot"]["threads"][0]["frames"]
    assert frames[0]["function"] == "store_total"
    assert frames[0]["line"] > 0
    assert {v["name"] for v in frames[0]["variables"]} == {"total", "value"}
    assert len(body["snapshot"]["threads"]) == 4
    assert body["core_size"] > 1000 * body["snapshot_size"]
    assert all(step["milliseconds"] >= 0 for step in body["steps"])


def test_an_installed_machine_keeps_the_crash(bench: Bench) -> None:
    bench.run("install")
    try:
        answer = bench.run("catch-test", "--json")
    finally:
        bench.run("uninstall")

    assert answer.code == 0, answer.error
    with Spool(bench.config.spool) as spool:
        assert [archive.id for archive in spool.archives()] == [answer.json["id"]]


def test_the_daemon_does_the_work_if_it_runs(bench: Bench) -> None:
    bench.run("install")
    source = Path(sys.modules["coresnap"].__file__ or "").parent.parent
    command = [sys.executable, "-m", "coresnap", "--config", str(bench.source)]
    daemon = subprocess.Popen(
        [*command, "daemon", "--foreground"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )
    try:
        assert daemon.stderr is not None
        assert any("waits" in line for line in daemon.stderr)
        answer = bench.run("catch-test")
    finally:
        bench.run("uninstall")
        daemon.terminate()
        daemon.communicate()

    assert answer.code == 0, answer.error
    assert "the daemon made the snapshot" in answer.output


def test_another_handler_is_not_pushed_aside(bench: Bench) -> None:
    kernel.CORE_PATTERN.write_text("|/usr/share/apport/apport -p%p")

    answer = bench.run("catch-test")

    assert answer.code == 69
    assert "apport" in answer.error
    assert kernel.CORE_PATTERN.read_text() == "|/usr/share/apport/apport -p%p\n"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (["/bin/true"], "did not crash: it left with exit code 0"),
        (["/nonexistent/program"], "there is no program"),
    ],
)
def test_a_program_that_does_not_crash_is_said(
    bench: Bench, program: list[str], said: str
) -> None:
    answer = bench.run("catch-test", *program)

    assert answer.code == 2
    assert said in answer.error
    assert kernel.CORE_PATTERN.read_text() == "core\n"


def test_a_program_of_one_s_own_is_followed(bench: Bench) -> None:
    answer = bench.run("catch-test", "--json", "--", "/bin/sh", "-c", "kill -ABRT $$")

    assert answer.code == 0, answer.error
    assert answer.json["snapshot"]["signal"]["name"] == "SIGABRT"


PRELOAD = """
import importlib.readers, importlib.resources, os, random, subprocess, sys, tempfile
from coresnap.daemon import job, rehearsal
import coresnap.backends.linux, coresnap.snapshot.json_form, coresnap.snapshot.text
import coresnap.config.reading
import coresnap.views.cli.catch_test, coresnap.views.cli.list, coresnap.views.cli.main
job.preload()
os.setgroups([]); os.setgid(65534); os.setuid(65534); os.chdir("/")
sys.exit(coresnap.views.cli.main.main(sys.argv[1:]))
"""
"""Run a command as nobody, who may not be able to read this interpreter's files."""


def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
    source = Path(sys.modules["coresnap"].__file__ or "").parent.parent
    environment = {**os.environ, "PYTHONPATH": str(source), "TMPDIR": "/tmp"}
    return subprocess.run(
        [sys.executable, "-c", PRELOAD, *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_without_root_the_kernel_s_file_is_analysed(bench: Bench) -> None:
    run = as_nobody("catch-test", "--json")

    assert run.returncode == 0, run.stderr
    body = json.loads(run.stdout)
    assert body["snapshot"]["signal"]["name"] == "SIGSEGV"
    assert "the kernel writes the core into a file" in body["steps"][0]["step"]


def test_without_root_and_without_a_file_the_reason_is_said(bench: Bench) -> None:
    kernel.CORE_PATTERN.write_text("|/bin/false")

    run = as_nobody("catch-test")

    assert run.returncode == 69
    assert "/bin/false left no core" in run.stderr
    assert "core_pattern = |/bin/false" in run.stderr
