"""Stacks of real programs under a real kernel equal those of gdb and eu-stack."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.unwind.unwinder import Stack, Unwinder
from coresnap.elfcore.corefile import open_core
from coresnap.model import Trust, UnwindEnd

SCRIPT = Path(__file__).parent / "gdb_frames.py"
EU_STACK_LIMIT = 500

FLAGS = {
    "O0": ["-O0"],
    "O2": ["-O2"],
    "O2-frame-pointer": ["-O2", "-fno-omit-frame-pointer"],
    "O2-static": ["-O2", "-static"],
    "O0-static": ["-O0", "-static"],
    "O1-debug-frame": ["-O1", "-g", "-fno-asynchronous-unwind-tables"],
}
CRASHES = [
    ("deep.c", ["6", "40"]),
    ("handler.c", []),
    ("handler.c", ["altstack"]),
    ("wildcall.c", ["null"]),
    ("wildcall.c", ["wild"]),
    ("wildcall.c", ["data"]),
    ("wildcall.c", ["library"]),
]

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler]


def unwind(core: Path) -> dict[int, Stack]:
    with open_core(core) as opened:
        assert opened.notes_to_reader == ()
        unwinder = Unwinder(opened)
        return {t.tid: unwinder.unwind(t.registers) for t in opened.threads}


def pcs(stacks: dict[int, Stack]) -> dict[int, list[int]]:
    return {tid: [f.pc for f in stack.frames] for tid, stack in stacks.items()}


def gdb_pcs(program: Path, core: Path) -> dict[int, list[int]]:
    run = subprocess.run(
        [
            *("gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off"),
            *("-ex", "set backtrace past-main on", "-x", SCRIPT, program, core),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = re.search(r"^FRAMES (.*)$", run.stdout, re.MULTILINE)
    assert found is not None, run.stderr
    return {int(tid): frames for tid, frames in json.loads(found[1]).items()}


def eu_stack_pcs(program: Path, core: Path) -> dict[int, list[int]]:
    run = subprocess.run(
        ["eu-stack", f"-n{EU_STACK_LIMIT}", f"--core={core}", f"-e{program}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found: dict[int, list[int]] = {}
    frames: list[int] = []
    for line in run.stdout.splitlines():
        if thread := re.match(r"TID (\d+):", line):
            frames = found[int(thread[1])] = []
        elif frame := re.match(r"#\d+ +0x([0-9a-f]+)", line):
            frames.append(int(frame[1], 16))
    return found


@pytest.mark.gdb
@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize(("source", "arguments"), CRASHES, ids=str)
def test_every_pc_of_every_thread_equals_gdbs(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    source: str,
    arguments: list[str],
    flags: str,
) -> None:
    program = compile_program(source, *FLAGS[flags], libraries=["-pthread"])
    core = kernel_core([program, *arguments])
    stacks = unwind(core)
    assert pcs(stacks) == gdb_pcs(program, core)
    assert {s.end for s in stacks.values()} == {UnwindEnd.OUTERMOST}


@pytest.mark.elfutils
@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize(("source", "arguments"), CRASHES[:3], ids=str)
def test_every_pc_of_every_thread_equals_eu_stacks(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    source: str,
    arguments: list[str],
    flags: str,
) -> None:
    program = compile_program(source, *FLAGS[flags], libraries=["-pthread"])
    core = kernel_core([program, *arguments])
    assert pcs(unwind(core)) == eu_stack_pcs(program, core)


@pytest.mark.gdb
def test_sixty_four_threads_of_two_hundred_frames_equal_gdbs(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("deep.c", "-O0", libraries=["-pthread"])
    core = kernel_core([program, "64", "200"])
    stacks = unwind(core)
    assert len(stacks) == 65
    assert sum(len(s.frames) for s in stacks.values()) > 12_000
    assert pcs(stacks) == gdb_pcs(program, core)


def test_each_frame_says_how_it_was_found(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("wildcall.c", "-O0")
    (stack,) = unwind(kernel_core([program, "null"])).values()
    trusts = [frame.trust for frame in stack.frames]
    assert trusts[:3] == [Trust.CONTEXT, Trust.SCAN, Trust.CFI]
    assert stack.frames[0].pc == 0
    assert stack.frames[0].module is None


def test_interrupted_frames_are_looked_up_where_they_were(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("handler.c", "-O0")
    (stack,) = unwind(kernel_core([program])).values()
    signals = [i for i, f in enumerate(stack.frames) if f.signal_frame]
    assert len(signals) == 2
    for index, frame in enumerate(stack.frames):
        exact = index == 0 or frame.signal_frame or index - 1 in signals
        assert frame.lookup_pc == frame.pc - (not exact)
    # A signal frame restores everything, not only what calls preserve.
    interrupted = stack.frames[signals[0] + 1].registers
    assert {0, 1, 2, 3, 4, 5, 6, 7, 8, 16} <= interrupted.keys()
    assert 0 not in stack.frames[signals[0] + 2].registers
