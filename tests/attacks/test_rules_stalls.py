"""What may never end (R26) or end early (R27): silent files, a frozen process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import silent_files as silence
from catcher import Catcher
from conftest import CompileProgram
from kernel import run_unlimited
from silent_files import SilentFiles

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]

MEBIBYTE = 1 << 20
CGROUP = Path("/sys/fs/cgroup")
LONG = 20_000
"""Bytes of a word that fills whole pages."""
BUDGET = 1000


# --- R26 --------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[SilentFiles]:
    if reason := silence.why_no_silent_files():
        pytest.skip(reason)
    with silence.silent_files() as files:
        yield files


@contextlib.contextmanager
def crashing(
    catcher: Catcher, program: Path, silent: SilentFiles, part: str
) -> Iterator[str]:
    """Let the process crash whose memory waits, in a directory that waits."""
    with catcher.registered():
        command = 'ulimit -c unlimited; exec "$@"'
        victim = subprocess.Popen(
            ["sh", "-c", command, "sh", program, silent.file, part, "x" * LONG],
            env={"WORD": "y" * LONG},
            cwd=silent.directory,
        )
        try:
            yield catcher.wait(timeout=15)
        finally:
            # Killed, it still waits for an answer.
            silent.fail()
            victim.wait(timeout=60)


@pytest.mark.parametrize("fetch", ["memory", "pipe"])
@pytest.mark.parametrize("keep", ["full", "stacks"])
@pytest.mark.parametrize("part", ["environment", "arguments", "modules"])
def test_r26_memory_that_a_silent_server_holds_is_not_waited_for(
    catcher: Catcher,
    compile_program: CompileProgram,
    silent: SilentFiles,
    part: str,
    keep: str,
    fetch: str,
) -> None:
    catcher.write_settings(keep=keep, fetch=fetch, budget="0", modules="all")
    program = compile_program("waits_for_file.c", "-O1", "-g", "-D_GNU_SOURCE")
    with crashing(catcher, program, silent, part) as message:
        assert not silent.asked.is_set()
    caught = catcher.read(message.split()[0])
    assert caught.capture["rung"] == keep
    assert caught.capture["truncated"] is False
    assert caught.members["process/cwd"] == os.fsencode(silent.directory)
    # One part of the memory that waits costs both words and no more.
    has_words = part == "modules"
    assert ("process/environ" in caught.members) is has_words
    assert ("process/cmdline" in caught.members) is has_words
    assert "process/maps" in caught.members


def test_r26_a_kernel_that_waits_for_a_silent_server_is_left_at_the_budget_s_end(
    catcher: Catcher, compile_program: CompileProgram, silent: SilentFiles
) -> None:
    catcher.write_settings(fetch="memory", budget=str(BUDGET))
    program = compile_program("waits_for_file.c", "-O1", "-g", "-D_GNU_SOURCE")
    with crashing(catcher, program, silent, "core") as message:
        assert silent.asked.is_set()
    caught = catcher.read(message.split()[0])
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "budget"
    # Ten times the budget is a bound that a busy machine keeps.
    assert BUDGET * 10**6 <= caught.capture["parked"] < 10 * BUDGET * 10**6


# --- R27 --------------------------------------------------------------------------


@contextlib.contextmanager
def control_group(controller: str) -> Iterator[Path]:
    """A control group of our own, of the first version of the interface."""
    parent = CGROUP / controller
    if not (parent / "tasks").exists():
        pytest.skip(f"no {controller} controller of cgroup v1 at {parent}")
    group = parent / f"coresnap-test-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        deadline = time.monotonic() + 60
        while (group / "tasks").read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        group.rmdir()


@pytest.mark.parametrize("fetch", ["memory", "pipe"])
def test_r27_a_process_that_is_frozen_while_it_dumps_leaves_what_it_had(
    catcher: Catcher, compile_program: CompileProgram, fetch: str
) -> None:
    """A suspended machine, or a paused container."""
    catcher.write_settings(fetch=fetch)
    program = compile_program("full_memory.c", "-O0", "-g")
    with control_group("freezer") as group, catcher.registered():
        victim = subprocess.Popen(
            ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", program, "256"]
        )
        (group / "tasks").write_text(str(victim.pid))
        deadline = time.monotonic() + 60
        while not list((catcher.spool / "assets").iterdir()):
            assert time.monotonic() < deadline
        try:
            (group / "freezer.state").write_text("FROZEN")
            message = catcher.wait()
        finally:
            (group / "freezer.state").write_text("THAWED")
            victim.wait()
    caught = catcher.read(message.split()[0])
    capture = caught.capture
    if capture["rung"] == "full" and capture["cut"] is None:
        assert caught.core.stat().st_size == capture["expected_size"]
        assert caught.checks["extents"] == "passed"
    else:
        assert {capture["cut"], capture["rung_reason"]} & {"interrupted", "empty"}


def test_r27_a_handler_without_memory_keeps_the_core_or_leaves_the_record(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    """The handler in a control group with so little memory that it may be killed."""
    program = compile_program("full_memory.c", "-O0", "-g")
    with control_group("memory") as group:
        (group / "memory.limit_in_bytes").write_text(str(512 * 1024))
        script = catcher.directory / "starved"
        script.write_text(
            f'#!/bin/sh\necho $$ > {group}/tasks\nexec {catcher.program} "$@"\n'
        )
        script.chmod(0o700)
        starved = Catcher(script, catcher.directory, catcher.listener, catcher.settings)
        with starved.registered():
            assert run_unlimited([program, "64"]).returncode < 0
        deadline = time.monotonic() + 60
        while (group / "tasks").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    cores = {path.name for path in (catcher.spool / "pending").iterdir()}
    records = {path.name for path in (catcher.spool / "assets").iterdir()}
    assert cores <= records
    assert len(records) <= 1
    for archive in cores:
        caught = catcher.read(archive)
        size = caught.core.stat().st_size
        assert caught.capture["truncated"] or size == caught.capture["expected_size"]
