"""Stacks of other machines, through a signal frame, with and without CFI.

qemu-user runs the programs and writes their cores. It writes none of RISC-V: that one
is here as a file (``tests/cores/riscv64/make`` makes it).
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from stacks import hide_cfi, hide_symbols, names

from conftest import SOURCES
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.elfcore.corefile import open_core
from coresnap.model import Trust, UnwindEnd

MACHINES = {
    "aarch64": ("aarch64-linux-gnu", "qemu-aarch64"),
    "arm": ("arm-linux-gnueabihf", "qemu-arm"),
    "ppc64le": ("powerpc64le-linux-gnu", "qemu-ppc64le"),
    "s390x": ("s390x-linux-gnu", "qemu-s390x"),
}
PROCESSOR = {"aarch64": ("-cpu", "max")}
"""AArch64's authenticates pointers if a program is built for that."""
COMPLETE = {UnwindEnd.OUTERMOST, UnwindEnd.ZERO_RETURN_ADDRESS}
OPTIONS = {"O0": ["-O0"], "O2": ["-O2"], "O2-fp": ["-O2", "-fno-omit-frame-pointer"]}


def _compiler(machine: str) -> str:
    triplet, emulator = MACHINES[machine]
    found = [shutil.which(f"{triplet}-{name}") for name in ("gcc", "gcc-12")]
    if shutil.which(emulator) is None or not any(found):
        pytest.skip(f"not installed: {emulator} or gcc-12-{triplet}")
    return next(path for path in found if path)


def _crash(machine: str, options: Sequence[str], directory: Path) -> tuple[Path, Path]:
    """The program and its core."""
    program = directory / "program"
    build = [_compiler(machine), *options, "-static", str(SOURCES / "foreign.c")]
    subprocess.run([*build, "-o", str(program)], check=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        subprocess.run(
            [MACHINES[machine][1], *PROCESSOR.get(machine, ()), program],
            cwd=directory,
            check=False,
            timeout=60,
            capture_output=True,
        )
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    cores = list(directory.glob("qemu_*.core"))
    if not cores:
        pytest.skip(f"{MACHINES[machine][1]} wrote no core")
    return program, cores[0]


def _check(core_path: Path, program: Path, trusts: set[Trust]) -> None:
    with open_core(core_path, executable=program) as core:
        (stack,) = [Unwinder(core).unwind(t.registers) for t in core.threads]
        found = [re.sub(r"\..*", "", name or "?") for name in names(core, stack)]
    signal = next(i for i, f in enumerate(stack.frames) if f.signal_frame)
    # The optimiser may make a loop of the recursion.
    assert found[:signal][-1] == "on_signal"
    assert set(found[: signal - 1]) <= {"leaf", "recurse"}
    assert signal >= 3
    assert found[signal + 1 :].count("main") == 1
    assert len(found) - found.index("main") <= 4
    assert stack.frames[signal + 1].trust is Trust.CONTEXT
    assert {frame.trust for frame in stack.frames} <= trusts | {Trust.CONTEXT}
    assert stack.end in COMPLETE


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("machine", MACHINES)
def test_a_signal_handlers_stack_is_whole_with_and_without_cfi(
    machine: str,
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, core = _crash(machine, options, tmp_path)
    _check(core, program, {Trust.CFI, Trust.PROLOGUE})
    hide_cfi(monkeypatch)
    by_code = {Trust.PROLOGUE, Trust.FRAME_POINTER}
    # ARM's own tables are part of the code.
    _check(core, program, by_code | ({Trust.CFI} if machine == "arm" else set()))


def test_return_addresses_that_are_authenticated_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["-O2", "-mbranch-protection=standard"]
    program, path = _crash("aarch64", options, tmp_path)
    with open_core(path, executable=program) as core:
        sp = core.threads[0].registers[core.architecture.stack_pointer]
        words = [core.memory.read_word(sp + 8 * index) for index in range(64)]
        signed = [w for w in words if w >> 48 and w & (1 << 48) - 1 in range(1 << 23)]
        assert signed, "qemu's processor signs nothing"
    _check(path, program, {Trust.CFI, Trust.PROLOGUE})
    hide_cfi(monkeypatch)
    _check(path, program, {Trust.PROLOGUE, Trust.FRAME_POINTER})


@pytest.fixture
def riscv(tmp_path: Path) -> tuple[Path, Path]:
    """The program and the core in ``tests/cores/riscv64``."""
    if shutil.which("zstd") is None:
        pytest.skip("not installed: zstd")
    for name in ("program", "core"):
        source = SOURCES / "riscv64" / f"{name}.zst"
        subprocess.run(["zstd", "-dq", source, "-o", tmp_path / name], check=True)
    return tmp_path / "program", tmp_path / "core"


RISCV_FRAMES = [
    *("leaf", "recurse", "recurse", "recurse", "on_signal", None),
    *("raise_it", "outer", "middle", "_start"),
]


def test_riscv_is_unwound_through_a_signal_and_a_function_without_cfi(
    riscv: tuple[Path, Path],
) -> None:
    """The names are those that gdb prints (``tests/cores/riscv64/make``)."""
    program, path = riscv
    with open_core(path, executable=program) as core:
        (stack,) = [Unwinder(core).unwind(t.registers) for t in core.threads]
        assert names(core, stack) == RISCV_FRAMES
    trusts = [frame.trust for frame in stack.frames]
    assert trusts == [
        *(Trust.CONTEXT, *[Trust.CFI] * 5, Trust.CONTEXT),
        *(Trust.CFI, Trust.CFI, Trust.PROLOGUE),
    ]
    assert [f.signal_frame for f in stack.frames].index(True) == 5
    assert stack.end in COMPLETE


def test_riscv_is_unwound_by_its_code_alone(
    riscv: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program, path = riscv
    with open_core(path, executable=program) as core:
        (truth,) = [Unwinder(core).unwind(t.registers) for t in core.threads]
        hide_cfi(monkeypatch)
        (named,) = [Unwinder(core).unwind(t.registers) for t in core.threads]
        hide_symbols(monkeypatch)
        (stripped,) = [Unwinder(core).unwind(t.registers) for t in core.threads]
    assert [f.pc for f in named.frames] == [f.pc for f in truth.frames]
    assert [f.pc for f in stripped.frames] == [f.pc for f in truth.frames]
    assert {f.trust for f in named.frames} == {Trust.CONTEXT, Trust.PROLOGUE}


def test_the_cores_that_are_kept_here_are_small() -> None:
    sizes = [os.stat(p).st_size for p in (SOURCES / "riscv64").glob("*.zst")]
    assert len(sizes) == 2
    assert sum(sizes) < 100_000
