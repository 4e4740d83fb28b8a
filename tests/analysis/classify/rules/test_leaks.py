"""A process that ran out of memory, and whether it had forgotten it."""

from __future__ import annotations

import pytest

import coresnap
from conftest import CompileProgram, KernelCore


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.parametrize(("how", "leaks"), [("lose", True), ("keep", False)])
def test_only_forgotten_blocks_are_suspected(
    compile_program: CompileProgram, kernel_core: KernelCore, how: str, leaks: bool
) -> None:
    program = compile_program("out_of_memory.cc", "-g", "-O0")
    snapshot = coresnap.analyze(kernel_core([program, how]))
    names = {c.name: c.confidence for c in snapshot.classifiers}
    assert names["oom"] == "strong"
    assert ("leak.suspect" in names) is leaks
    assert "leak.suspect" not in names or names["leak.suspect"] == "hint"
