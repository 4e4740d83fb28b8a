"""One fault is told alike on Linux and FreeBSD: real Linux cores, and their twins."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.session import analyze
from coresnap.model import Allocator, Frame, Snapshot, Variable
from freebsd_twin import write_twin

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern, pytest.mark.libdw]

JEMALLOC = Path("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")
CODES = {
    "null": ("SIGSEGV", "SEGV_MAPERR"),
    "abort": ("SIGABRT", "SI_LWP"),
    "assert": ("SIGABRT", "SI_LWP"),
    "stack": ("SIGSEGV", "SEGV_ACCERR"),
    "divide": ("SIGFPE", "FPE_INTDIV"),
    "far": ("SIGBUS", "BUS_OBJERR"),
    "call": ("SIGSEGV", "SEGV_MAPERR"),
    "trap": ("SIGILL", "ILL_PRVOPC"),
    "threads": ("SIGSEGV", "SEGV_MAPERR"),
}
SIGNALS = {"segv", "bus", "fpe", "ill", "abort"}
"""Verdicts that repeat the signal's name, in which the systems differ."""
PROTECTION = {"memory.unmapped", "memory.protection"}
"""What is unmapped on Linux is a guard on FreeBSD."""


def pair(core: Path, directory: Path) -> tuple[Snapshot, Snapshot]:
    linux, freebsd = analyze(core), analyze(write_twin(core, directory / "twin.core"))
    assert (linux.system, freebsd.system) == ("Linux", "FreeBSD")
    return linux, freebsd


def told(variable: Variable) -> tuple[object, ...]:
    return variable.name, variable.type, variable.value


def frame(one: Frame) -> tuple[object, ...]:
    variables = tuple(told(variable) for variable in one.variables)
    place = (one.pc, one.module, one.function, one.file, one.line, one.inline)
    return *place, one.trust, variables


def verdicts(snapshot: Snapshot) -> dict[str, str]:
    found = {one.name: one.confidence for one in reversed(snapshot.classifiers)}
    return {k: v for k, v in found.items() if k not in SIGNALS | PROTECTION}


def heap(one: Allocator) -> Allocator:
    """Without whose cache a block is in: that takes rtld, and the memory is glibc's."""
    freed = tuple(
        msgspec.structs.replace(
            block, free_list=re.sub(r" of thread \d+", "", block.free_list or "")
        )
        for block in one.freed
    )
    return msgspec.structs.replace(one, freed=freed)


def assert_alike(linux: Snapshot, freebsd: Snapshot) -> None:
    assert [t.tid for t in freebsd.threads] == [t.tid for t in linux.threads]
    for ours, theirs in zip(freebsd.threads, linux.threads, strict=True):
        assert ours.end == theirs.end
        assert list(map(frame, ours.frames)) == list(map(frame, theirs.frames))
    assert list(map(told, freebsd.globals)) == list(map(told, linux.globals))
    assert verdicts(freebsd) == verdicts(linux)
    assert freebsd.fingerprint_frames == linux.fingerprint_frames
    assert freebsd.fingerprint == linux.fingerprint


@pytest.mark.parametrize("way", CODES)
def test_the_same_fault_has_the_same_stacks_values_verdicts_and_fingerprint(
    way: str,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
) -> None:
    program = compile_program("many_ends.c", "-g", "-O0", "-pthread")
    linux, freebsd = pair(kernel_core([program, way]), tmp_path)

    assert freebsd.signal is not None
    assert (freebsd.signal.name, freebsd.signal.code_name) == CODES[way]
    assert_alike(linux, freebsd)
    assert any(f.function == "main" for f in freebsd.threads[0].frames) or (
        way in ("stack", "threads")
    )


@pytest.mark.parametrize("way", ["handled", "again", "again-plain"])
def test_a_fault_that_was_handled_is_told_alike(
    way: str,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
) -> None:
    """The twin has FreeBSD's frames and trampoline on its stack."""
    program = compile_program("many_ends.c", "-g", "-O0", "-pthread")
    linux, freebsd = pair(kernel_core([program, way]), tmp_path)

    assert verdicts(freebsd) == verdicts(linux)
    assert "null.write" in verdicts(freebsd)
    assert freebsd.fingerprint == linux.fingerprint
    ours, theirs = freebsd.threads[0].frames, linux.threads[0].frames
    assert [one.signal_frame for one in ours] == [one.signal_frame for one in theirs]
    assert any(one.signal_frame for one in ours) == (way == "handled")
    assert [_place(f) for f in ours if not f.signal_frame] == [
        _place(f) for f in theirs if not f.signal_frame
    ]


def _place(one: Frame) -> tuple[object, ...]:
    """Without how it was found: glibc's trampoline has call frame information."""
    return one.pc, one.function, one.line, tuple(told(v) for v in one.variables)


@pytest.mark.skipif(not JEMALLOC.exists(), reason=f"{JEMALLOC} is not installed")
@pytest.mark.parametrize("settings", ["", "junk:true"])
def test_a_use_after_free_under_jemalloc_is_found_alike(
    settings: str,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
) -> None:
    program = compile_program("many_ends.c", "-g", "-O0", "-pthread")
    way = "freed" if settings else "null"
    env = {**os.environ, "LD_PRELOAD": str(JEMALLOC), "MALLOC_CONF": settings}
    linux, freebsd = pair(kernel_core([program, way], env=env), tmp_path)

    assert_alike(linux, freebsd)
    assert list(map(heap, freebsd.heaps)) == list(map(heap, linux.heaps))
    assert [heap.name for heap in freebsd.heaps][:1] == ["jemalloc"]
    assert ("use-after-free" in verdicts(freebsd)) == bool(settings)


@pytest.mark.parametrize("optimised", ["-O0", "-O2"])
def test_an_uncaught_exception_is_told_alike(
    optimised: str,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
) -> None:
    program = compile_program("throws.cc", "-g", optimised, compiler="g++")
    linux, freebsd = pair(kernel_core([program, "derived"]), tmp_path)

    assert_alike(linux, freebsd)
    assert freebsd.summary == linux.summary
