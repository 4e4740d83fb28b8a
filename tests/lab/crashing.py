"""Lets the programs crash under the kernel, many in one short hold of core_pattern."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from kernel import core_pattern
from lab.building import Program

__all__ = ["ALLOCATORS", "LIBRARIES", "Crash", "Told", "crash_all"]

_JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
"""As Debian's libjemalloc2 installs it."""
ALLOCATORS: dict[str, dict[str, str]] = {
    "glibc": {},
    "jemalloc": {"LD_PRELOAD": _JEMALLOC},
    "junk": {"LD_PRELOAD": _JEMALLOC, "MALLOC_CONF": "junk:true"},
}
"""Environment that a program gets each of them by."""
LIBRARIES = {"jemalloc": _JEMALLOC, "junk": _JEMALLOC}
_TIMEOUT = 30
_AT_ONCE = 4
_SETTLED = 0.15
"""Seconds from ``ready`` to the end: it goes on with what it does."""
_BLOCK = re.compile(r"block (0x[0-9a-f]+) (\d+) (\w+)")
_RUST = {"RUST_BACKTRACE": "0"}


@attrs.frozen
class Told:
    """A block as the program itself saw it."""

    address: int
    size: int
    """What it asked for."""
    state: str


@attrs.frozen
class Crash:
    """What became of one program under one allocator."""

    program: Program
    allocator: str
    core: Path | None
    said: str = ""
    """Its output; if there is no core, why."""

    @property
    def blocks(self) -> list[Told]:
        """What it told of its memory."""
        found = _BLOCK.findall(self.said)
        return [Told(int(a, 16), int(size), state) for a, size, state in found]


def crash_all(
    programs: Sequence[Program], allocator: str, directory: Path
) -> list[Crash]:
    """Run each program once; cores are ``directory/core.PID``."""

    def crash(program: Program) -> Crash:
        return _crash(program, allocator, directory)

    with core_pattern(f"{directory}/core.%P"), ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(crash, programs))


def _crash(program: Program, allocator: str, directory: Path) -> Crash:
    process = subprocess.Popen(
        _shell(program, allocator),
        cwd=directory,
        env={**os.environ, **_RUST},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    # Whatever waits for a program that hangs is woken by its death.
    watchdog = threading.Timer(_TIMEOUT, process.kill)
    watchdog.start()
    try:
        said = _end(process, program, directory)
    finally:
        watchdog.cancel()
    core = directory / f"core.{process.pid}"
    if core.exists():
        return Crash(program, allocator, core, said)
    end = f"no core: status {process.returncode}, {said[-200:]!r}"
    return Crash(program, allocator, None, end)


def _shell(program: Program, allocator: str) -> list[str]:
    values = program.truth.values
    limits = values.get("shell", ":")
    environment = [f"{k}={v}" for k, v in ALLOCATORS[allocator].items()]
    environment += values.get("environment", "").split()
    script = f'ulimit -c unlimited; {limits}; exec env --default-signal=QUIT "$@"'
    return ["/bin/sh", "-c", script, "sh", *environment, *program.command]


def _end(process: subprocess.Popen[str], program: Program, directory: Path) -> str:
    """Wait for the end, or bring it about; return what was said."""
    assert process.stdout is not None
    said = ""
    by = program.truth.values.get("by", "itself").split()
    if by[0] != "itself":
        while (line := process.stdout.readline()) not in ("ready\n", ""):
            said += line
        time.sleep(_SETTLED)
        if by[0] == "gcore":
            said += _gcore(process.pid, directory)
            process.kill()
        else:
            process.send_signal(signal.Signals[by[1]])
    said += process.communicate()[0]
    return said


def _gcore(pid: int, directory: Path) -> str:
    run = subprocess.run(
        ["gcore", "-o", directory / "core", str(pid)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT,
        check=False,
    )
    return run.stderr if run.returncode else ""
