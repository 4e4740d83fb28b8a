"""The handler's own life: its crash (R10), circles (R14), its descriptors (R21)."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

import coresnap
from catcher import Catcher, read_tar
from conftest import CompileProgram
from kernel import KernelLog
from waiting import wait_in_core

pytestmark = [pytest.mark.compiler, pytest.mark.root]


# --- R10 --------------------------------------------------------------------------


@pytest.mark.core_pattern
def test_r10_a_handler_that_crashes_leaves_no_core_and_starts_no_handler(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    catcher.write_settings(fetch="pipe")
    with catcher.registered(), wait_in_core(catcher, child.pid) as helper:
        limits = Path(f"/proc/{helper.process.pid}/limits").read_text()
        (line,) = [row for row in limits.splitlines() if "core file" in row]
        helper.process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(helper.process.pid, 0)
        helper.process.returncode = -os.WTERMSIG(status)
        catcher.settle()
        catcher.listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            catcher.listener.recv(4096)
    assert line.split()[4:6] == ["0", "0"]
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert not list((catcher.spool / "pending").iterdir())
    assert len(list((catcher.spool / "assets").iterdir())) == 1  # of the first crash


# --- R14 --------------------------------------------------------------------------


@pytest.mark.core_pattern
@pytest.mark.parametrize("kind", ["link-map", "itself", "far", "name"])
@pytest.mark.parametrize("keep", ["full", "stacks"])
def test_r14_lists_of_the_process_that_never_end_are_walked_to_a_bound(
    catcher: Catcher, compile_program: CompileProgram, keep: str, kind: str
) -> None:
    catcher.write_settings(keep=keep, important="0")
    program = compile_program("loops.c", "-O0", "-g")
    caught = catcher.catch([program, kind])
    assert caught.capture["rung"] == keep
    assert caught.capture["truncated"] is False
    snapshot = coresnap.analyze(caught.core, assets=caught.members)
    assert snapshot.threads[0].frames[0].function == "main"


# --- R21 --------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [(1, 2), (1,), (2,), (1, 2, 3), (0, 1, 2)])
def test_r21_what_is_said_never_gets_into_an_archive(
    catcher: Catcher, child: subprocess.Popen[bytes], closed: tuple[int, ...]
) -> None:
    """The kernel starts a handler with 1 and 2 closed: the next file would be those."""
    core = b"\x7fELF" + bytes(range(256)) * 64
    numbers = [child.pid, child.pid, 11, int(time.time()), 0, 0, 1, 0]
    arguments: list[str | Path] = [
        "-c",
        catcher.settings_file,
        *map(str, numbers),
        "3",
        "--",
        "!x",
    ]
    closing = " ".join(f"{number}<&-" for number in closed)
    with KernelLog() as log:
        helper = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {closing}', "sh", catcher.program, *arguments],
            stdin=subprocess.PIPE,
        )
        helper.communicate(core)
        said = log.said()
    assert said
    if 0 in closed:
        assert helper.returncode == 1
        assert not list((catcher.spool / "assets").iterdir())
        return
    assert helper.returncode == 0
    caught = catcher.read(catcher.wait().split()[0])
    assert caught.core.read_bytes() == core
    assert next(iter(read_tar(catcher.spool / "assets" / caught.id))) == "crash.json"
    assert stat.S_ISREG(caught.core.stat().st_mode)
