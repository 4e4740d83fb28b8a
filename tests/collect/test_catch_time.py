"""What coresnap-catch keeps of a core for which there is no time, and the record."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import coresnap
from catcher import Catcher, read_tar
from conftest import CompileProgram
from coresnap.elfcore.corefile import open_core
from kernel import run_unlimited
from twins import blocks, loads_of
from waiting import Helper, wait_in_core

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]


FIXED = ["setarch", "-R"]
"""Runs a program at the same addresses each time."""
PAGE = 4096
MEBIBYTE = 1 << 20


@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_when_the_budget_is_over_the_process_goes_and_its_stacks_are_kept(
    catcher: Catcher, compile_program: CompileProgram, fetch: str
) -> None:
    catcher.write_settings(fetch=fetch, budget="1")
    program = compile_program("full_memory.c", "-O0", "-g")
    caught = catcher.catch([program, "256"])
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "budget"
    assert caught.capture["budget"] == 1_000_000
    assert blocks(caught.core) < 128 * MEBIBYTE
    snapshot = coresnap.analyze(caught.core, assets=caught.members)
    assert snapshot.threads[0].frames[0].function == "main"
    assert snapshot.attributes["capture.rung.reason"] == "budget"


def test_without_a_budget_the_whole_core_is_waited_for(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    catcher.write_settings(budget="0")
    caught = catcher.catch([compile_program("full_memory.c", "-O0"), "64"])
    assert caught.capture["rung"] == "full"
    assert caught.capture["budget"] is None


def test_parked_time_is_no_longer_than_the_parent_had_to_wait(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0", "-g")
    with catcher.registered():
        before = time.monotonic_ns()
        run_unlimited([program, "64"])
        after = time.monotonic_ns()
        archive = catcher.wait().split()[0]

    parked = catcher.read(archive).capture["parked"]
    assert 0 < parked < after - before


def test_a_huge_core_is_the_kernel_s_although_its_stacks_came_first(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0", "-g")
    for fetch in ("pipe", "memory"):
        cores = []
        for important in ("1", ""):
            catcher.write_settings(fetch=fetch, important=important, budget="0")
            caught = catcher.catch([*FIXED, program, "100"])
            assert caught.capture["rung"] == "full"
            assert caught.capture["stored_ranges"] is None
            assert caught.capture["size"] == caught.capture["expected_size"]
            cores.append(caught.core)
        # Room for headers that were not needed is given back.
        assert abs(blocks(cores[0]) - blocks(cores[1])) < 64 * 1024
        assert loads_of(cores[0]) == loads_of(cores[1])


@pytest.fixture
def waiting(catcher: Catcher, child: subprocess.Popen[bytes]) -> Iterator[Helper]:
    catcher.write_settings(fetch="pipe", important="")
    with wait_in_core(catcher, child.pid) as helper:
        yield helper


def test_a_helper_told_to_end_keeps_what_has_come(
    catcher: Catcher, waiting: Helper, child: subprocess.Popen[bytes]
) -> None:
    waiting.process.send_signal(signal.SIGTERM)
    assert waiting.finish() == 0
    caught = catcher.read(waiting.archive.name)
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "time-out"
    assert caught.capture["truncated"] is False
    with open_core(caught.core) as core:
        pointer = core.threads[0].registers[core.architecture.stack_pointer]
        stack = core.memory.read(pointer, PAGE)
        with Path(f"/proc/{child.pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(pointer)
            assert stack == memory.read(PAGE)


def test_parked_time_counts_the_wait_for_a_slow_kernel(
    catcher: Catcher, waiting: Helper
) -> None:
    time.sleep(0.3)
    waiting.process.send_signal(signal.SIGTERM)
    assert waiting.finish() == 0

    assert catcher.read(waiting.archive.name).capture["parked"] > 300_000_000


def test_a_helper_told_to_end_without_the_process_keeps_the_front(
    catcher: Catcher, waiting: Helper, child: subprocess.Popen[bytes]
) -> None:
    child.kill()
    child.wait()
    waiting.process.send_signal(signal.SIGTERM)
    assert waiting.finish() == 0
    caught = catcher.read(waiting.archive.name)
    assert caught.capture["cut"] == "time-out"
    assert caught.capture["truncated"] is True


def test_the_end_of_the_process_in_the_middle_is_said(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    catcher.write_settings(fetch="pipe", important="0")
    with wait_in_core(catcher, child.pid) as helper:
        child.kill()
        child.wait()
        assert helper.process.stdin is not None
        helper.process.stdin.close()
        assert helper.process.wait(timeout=60) == 0
        caught = catcher.read(helper.archive.name)
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "interrupted"
    with open_core(caught.core) as core:
        core.memory.read(core.threads[0].registers[core.architecture.stack_pointer], 64)


# --- the record ---------------------------------------------------------------------


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_record_is_there_and_locked_while_the_core_comes(
    catcher: Catcher, waiting: Helper
) -> None:
    assert is_locked(waiting.archive)
    assert not list((catcher.spool / "pending").iterdir())
    members = read_tar(waiting.archive)
    assert json.loads(members["crash.json"])["id"] == waiting.archive.name
    assert "process/maps" in members
    assert "capture.json" not in members


def test_sigkill_leaves_the_record_unlocked(catcher: Catcher, waiting: Helper) -> None:
    waiting.process.kill()
    waiting.process.wait()
    assert not is_locked(waiting.archive)
    assert not list((catcher.spool / "pending").iterdir())
    assert "process/maps" in read_tar(waiting.archive)


def test_a_record_belongs_to_the_owner_from_the_start(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    catcher.write_settings(owner="4711:4712", fetch="pipe")
    with wait_in_core(catcher, child.pid) as helper:
        found = helper.archive.stat()
        assert (found.st_uid, found.st_gid) == (4711, 4712)
        assert found.st_mode & 0o777 == 0o600
