"""Stacks that no compiler made: generated code, smashed, switched, without CFI."""

from __future__ import annotations

import subprocess

import pytest
from stacks import names

from conftest import CompileProgram, KernelCore
from coresnap.analysis.unwind.unwinder import Stack, Unwinder
from coresnap.elfcore.corefile import open_core
from coresnap.model import Trust, UnwindEnd

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler]

FLAGS = {"O0": ["-O0"], "O2": ["-O2"], "m32": ["-O0", "-m32"]}
CRASH = ["crash", "crash", "crash", "from_generated"]
OVERFLOW_FRAMES = 10_000


def unwind(
    compile_program: CompileProgram, kernel_core: KernelCore, kind: str, flags: str
) -> tuple[list[str], Stack]:
    """Names without what the optimiser appended ("?" for none), and the stack."""
    if flags == "m32":
        probe = ["cc", "-m32", "-xc", "-", "-o", "/dev/null"]
        text = b"#include <pthread.h>\nint main(void) { return 0; }\n"
        if subprocess.run(
            probe, input=text, capture_output=True, check=False
        ).returncode:
            pytest.skip("no 32-bit programs without the library's files for them")
    options = [*FLAGS[flags], "-fno-stack-protector", "-w"]
    program = compile_program("odd_stacks.c", *options, libraries=["-pthread"])
    with open_core(kernel_core([program, kind])) as core:
        stack = Unwinder(core).unwind(core.threads[0].registers)
        found = [(name or "?").partition(".")[0] for name in names(core, stack)]
    return found, stack


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize(
    ("kind", "trust"),
    [("framed", Trust.FRAME_POINTER), ("frameless", Trust.SCAN)],
)
def test_generated_code_is_left_and_the_frame_that_called_it_is_found(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    kind: str,
    trust: Trust,
    flags: str,
) -> None:
    found, stack = unwind(compile_program, kernel_core, kind, flags)
    assert found[:7] == [*CRASH, "?", "generated", "main"]
    assert stack.frames[4].module is None
    trusts = [frame.trust for frame in stack.frames]
    assert trusts[5] is trust
    assert set(trusts[1:5]) | set(trusts[6:]) == {Trust.CFI}
    assert stack.end is UnwindEnd.OUTERMOST


@pytest.mark.parametrize("kind", ["smashed", "smashed-return"])
def test_behind_a_smashed_return_address_the_next_frame_that_makes_sense_is_taken(
    compile_program: CompileProgram, kernel_core: KernelCore, kind: str
) -> None:
    found, stack = unwind(compile_program, kernel_core, kind, "O0")
    smashed = found.index("smash")
    assert found[smashed + 1] == "main"
    assert stack.frames[smashed + 1].trust is Trust.SCAN
    assert stack.end is UnwindEnd.OUTERMOST


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("kind", ["bare", "thread"])
def test_assembler_without_cfi_is_read(
    compile_program: CompileProgram, kernel_core: KernelCore, kind: str, flags: str
) -> None:
    found, stack = unwind(compile_program, kernel_core, kind, flags)
    caller = "main" if kind == "bare" else "thread"
    assert found[:6] == [*CRASH, "bare", caller]
    assert stack.frames[5].trust is Trust.PROLOGUE
    assert {f.trust for f in stack.frames[6:]} == {Trust.CFI}
    assert stack.end is UnwindEnd.OUTERMOST


@pytest.mark.parametrize("flags", ["O0", "O2"])
def test_a_coroutines_stack_ends_where_makecontext_began_it(
    compile_program: CompileProgram, kernel_core: KernelCore, flags: str
) -> None:
    found, stack = unwind(compile_program, kernel_core, "coroutine", flags)
    assert found[:4] == ["crash", "crash", "crash", "coroutine"]
    assert len(found) == 5
    assert stack.frames[4].lookup_pc == stack.frames[4].pc
    assert stack.end is UnwindEnd.OUTERMOST


@pytest.mark.parametrize("flags", FLAGS)
def test_a_stack_that_overflowed_is_walked_to_its_outer_end(
    compile_program: CompileProgram, kernel_core: KernelCore, flags: str
) -> None:
    found, stack = unwind(compile_program, kernel_core, "overflow", flags)
    assert len(found) == OVERFLOW_FRAMES
    assert set(found[: stack.gap + 1]) == {"overflow"}
    assert "main" in found[-5:]
    assert {f.trust for f in stack.frames[1:]} == {Trust.CFI}
    assert stack.left_out > 0
    assert stack.end is UnwindEnd.OUTERMOST
