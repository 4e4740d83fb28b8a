"""From a real core to a snapshot: what the announcement promises, and what may fail."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis.steps import reading
from coresnap.errors import CoreFormatError, MissingError
from coresnap.model import Snapshot, Trust, UnwindEnd
from coresnap.snapshot.container import write_snapshot


def functions(snapshot: Snapshot) -> list[str | None]:
    return [frame.function for frame in snapshot.threads[0].frames]


@pytest.mark.parametrize("allocator", ["glibc", "jemalloc"])
@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_the_announcement_s_program_becomes_a_thousand_times_smaller(
    allocator: str,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
) -> None:
    libraries = ["-pthread", *(["-ljemalloc"] if allocator == "jemalloc" else [])]
    program = compile_program("simple.c", "-g", "-O0", libraries=libraries)
    core = kernel_core([program])
    snapshot = coresnap.analyze(core)
    size = write_snapshot(snapshot, tmp_path / "snapshot")
    assert functions(snapshot)[:2] == ["program", "thread_fn"]
    variables = {v.name: v for v in snapshot.threads[0].frames[0].variables}
    behind = variables["r"].target
    assert behind is not None
    assert snapshot.signal is not None
    # It writes through the pointer that it reads there, and that is what faults.
    assert behind.value == snapshot.signal.address
    assert core.stat().st_size >= 1000 * size


@pytest.mark.compiler
@pytest.mark.core_pattern
def test_a_debug_frame_that_was_stripped_into_the_debug_file_unwinds_the_stack(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    flags = ("-g", "-O1", "-fomit-frame-pointer", "-fno-asynchronous-unwind-tables")
    built = compile_program(
        "deep.c", *flags, "-fno-unwind-tables", libraries=["-pthread"], name="built"
    )
    program = tmp_path / "deep"
    debug = tmp_path / "debug" / "deep.debug"
    debug.parent.mkdir()
    for line in (
        ["objcopy", "--only-keep-debug", str(built), str(debug)],
        ["objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", built, program],
    ):
        subprocess.run([str(word) for word in line], check=True)
    core = kernel_core([program, "2", "20"])
    whole = coresnap.analyze(core, built)
    (program.parent / debug.name).write_bytes(debug.read_bytes())
    found = coresnap.analyze(core, program)
    assert [f.pc for f in found.threads[0].frames] == [
        f.pc for f in whole.threads[0].frames
    ]
    assert all(
        frame.trust in (Trust.CONTEXT, Trust.CFI) for frame in found.threads[0].frames
    )
    assert found.threads[0].end is UnwindEnd.OUTERMOST


@pytest.mark.compiler
@pytest.mark.core_pattern
def test_a_step_that_fails_leaves_a_note_and_the_rest_goes_on(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = compile_program("simple.c", "-g", "-O0", libraries=["-pthread"])

    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("told to fail")

    monkeypatch.setattr(reading, "retained_memory", fail)
    snapshot = coresnap.analyze(kernel_core([program]))
    assert ("memory", "ValueError: told to fail") in [
        (note.step, note.message) for note in snapshot.notes
    ]
    assert snapshot.memory == ()
    assert functions(snapshot)[0] == "program"
    assert snapshot.fingerprint


@pytest.mark.compiler
@pytest.mark.core_pattern
def test_without_its_executable_a_core_still_has_frames_by_offset(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    built = compile_program("simple.c", "-g", "-O0", libraries=["-pthread"])
    program = tmp_path / "gone"
    program.write_bytes(built.read_bytes())
    program.chmod(0o755)
    core = kernel_core([program])
    program.unlink()
    snapshot = coresnap.analyze(core)
    crashed = snapshot.threads[0].frames[0]
    assert crashed.function is None
    assert crashed.module == str(program)
    assert crashed.module_offset is not None
    module = next(m for m in snapshot.modules if m.path == str(program))
    assert module.file is None
    assert module.problem


def test_what_is_no_core_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="nowhere"):
        coresnap.analyze(tmp_path / "nowhere")
    text = tmp_path / "text"
    text.write_text("not a core")
    with pytest.raises(CoreFormatError, match="text"):
        coresnap.analyze(text)
