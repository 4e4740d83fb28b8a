"""A fault whose handler sends the signal again and returns, under the real kernel."""

from __future__ import annotations

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.session import analyze

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern, pytest.mark.libdw]


@pytest.mark.parametrize("way", ["again", "again-plain"])
def test_it_is_told_like_one_that_nobody_handled(
    way: str, compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    """With SA_SIGINFO, and without: then the processor's word alone is left."""
    program = compile_program("many_ends.c", "-g", "-O0", "-pthread")
    found = analyze(kernel_core([program, way]))
    plain = analyze(kernel_core([program, "null"]))

    assert found.signal is not None
    assert found.signal.sender_pid == found.pid
    names = {one.name: one.confidence for one in found.classifiers}
    expected = {one.name: one.confidence for one in plain.classifiers}
    assert names["stop"] == "certain"
    for name in ("null", "null.write", "memory.write"):
        assert name in expected
        assert name in names
    assert found.instruction is not None
    assert plain.instruction is not None
    assert found.instruction.accesses == plain.instruction.accesses
    assert found.fingerprint_frames[:2] == plain.fingerprint_frames[:2]
    functions = [frame.function for frame in found.threads[0].frames[:2]]
    assert functions == ["rename_item", "null_write"]
