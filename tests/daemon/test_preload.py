"""What workers need is in memory before they are confined."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conftest import CompileProgram, KernelCore

SCRIPT = """
import sys
from pathlib import Path
from coresnap.daemon.job import preload
preload()
before = set(sys.modules)
import coresnap
snapshot = coresnap.analyze(sys.argv[1])
assert any(frame.variables for frame in snapshot.threads[0].frames)
from coresnap.snapshot.container import write_snapshot
from coresnap.collect.checks import run_checks
write_snapshot(snapshot, sys.argv[2])
run_checks(Path(sys.argv[1]), {})
new = set(sys.modules) - before
print(*sorted(name for name in new if name.startswith("coresnap")))
"""


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
@pytest.mark.parametrize("source", ["values.c", "values.cc", "workers.c"])
def test_an_analysis_imports_nothing_that_was_not_there(
    compile_program: CompileProgram, kernel_core: KernelCore, source: str
) -> None:
    program = compile_program(source, "-g", "-O2", "-pthread")
    core = kernel_core([program])
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(core), f"{core}.csnap"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == []
