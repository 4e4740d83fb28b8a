"""Lets programs crash, many in one hold of the machine's core_pattern."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import attrs

from kernel import core_pattern
from matrix.design import Cell
from matrix.recipe import Program

__all__ = ["Crash", "crash_all"]

_SHELL = ["/bin/sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh"]
_SANITIZERS = "disable_coredump=0:handle_segv=0:handle_abort=0:detect_leaks=0"
_ENVIRONMENT = {
    "ASAN_OPTIONS": _SANITIZERS,
    "UBSAN_OPTIONS": _SANITIZERS,
    "RUST_BACKTRACE": "0",
}
_TIMEOUT = 60


@attrs.frozen
class Crash:
    """A program of the matrix and the core it left."""

    cell: Cell
    program: Program
    core: Path


def crash_all(
    programs: Iterable[tuple[Cell, Program]], directory: Path
) -> tuple[list[Crash], dict[Cell, str]]:
    """Run each program under the kernel; cores are ``directory/core.PID``.

    Returns crashes, and for cells without a core what happened instead.
    """
    crashes: list[Crash] = []
    failures: dict[Cell, str] = {}
    with core_pattern(f"{directory}/core.%P"):
        for cell, program in programs:
            pid, end = _run(cell, program)
            core = directory / f"core.{pid}"
            if core.exists():
                crashes.append(Crash(cell, program, core))
            else:
                failures[cell] = f"no core: {end}"
    return crashes, failures


def _run(cell: Cell, program: Program) -> tuple[int, str]:
    process = subprocess.Popen(
        [*_SHELL, str(program.path), cell.argument],
        cwd=program.path.parent,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    return process.pid, f"status {process.returncode}, {said[-200:]!r}"
