from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis import modules
from coresnap.analysis.debuginfo import libdw_file
from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.analysis.values.limits import ValueLimits
from coresnap.elfcore.corefile import open_core
from coresnap.errors import InputError
from coresnap.model import Frame, Module, Note, Trust, Variable
from coresnap.snapshot.text import render
from eu_stack import agrees_with_eu_stack, eu_stack
from gdb_oracle import Crashed, compare_frames, crash

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

PROGRAMS = {
    "C -O0": ("values.c", "-g", "-O0"),
    "C -O2": ("values.c", "-g", "-O2"),
    "C -O3": ("values.c", "-g", "-O3"),
    "C++ -O0": ("values.cc", "-std=c++17", "-g", "-O0"),
    "C++ -O2": ("values.cc", "-std=c++17", "-g", "-O2"),
    "inlined": ("inlines.c", "-g", "-O2"),
    "nested": ("nested.c", "-g", "-O0"),
    "threads -O0": ("workers.c", "-g", "-O0", "-pthread"),
    "threads -O2": ("workers.c", "-g", "-O2", "-pthread"),
    "split": ("values.c", "-g", "-O2", "-gsplit-dwarf"),
    "DWARF 4": ("values.cc", "-std=c++17", "-gdwarf-4", "-O2"),
}

Crash = Callable[..., Crashed]


@pytest.fixture
def crashed(compile_program: CompileProgram, kernel_core: KernelCore) -> Crash:
    return lambda *build: crash(compile_program, kernel_core, *build)


@pytest.mark.gdb
@pytest.mark.libdw
@pytest.mark.parametrize("build", PROGRAMS.values(), ids=PROGRAMS)
def test_frames_of_all_threads_are_those_of_gdb(
    crashed: Crash, build: tuple[str, ...]
) -> None:
    found = crashed(*build)
    assert found.frames.keys() == found.gdb.keys()
    for tid, frames in found.frames.items():
        assert list(compare_frames(frames, found.gdb[tid])) == []


@pytest.mark.elfutils
@pytest.mark.libdw
@pytest.mark.parametrize("build", PROGRAMS.values(), ids=PROGRAMS)
def test_frames_of_all_threads_are_those_of_eu_stack(
    crashed: Crash, build: tuple[str, ...]
) -> None:
    found = crashed(*build)
    threads = eu_stack(found.program, found.core)
    assert found.frames.keys() == threads.keys()
    for tid, frames in found.frames.items():
        for one, other in zip(frames, threads[tid], strict=True):
            assert agrees_with_eu_stack(one, other), f"{one} but eu-stack has {other}"


@pytest.mark.libdw
def test_a_frame_says_where_in_the_module_and_the_function_it_is(
    crashed: Crash,
) -> None:
    found = crashed("values.c", "-g", "-O0")
    first, second = next(iter(found.frames.values()))[:2]
    assert (first.function, second.function) == ("crash", "hold")
    assert first.trust is Trust.CONTEXT
    assert second.trust is Trust.CFI
    assert first.module == str(found.program)
    assert first.module_offset is not None
    lookup = ["addr2line", "-f", "-e", str(found.program), hex(first.module_offset)]
    place = subprocess.run(lookup, capture_output=True, text=True, check=True).stdout
    assert place.split() == ["crash", f"{first.file}:{first.line}"]
    assert first.function_offset is not None
    assert 0 < first.function_offset < 500
    assert first.build_id is not None


@pytest.mark.libdw
def test_source_lines_stand_around_the_line(crashed: Crash) -> None:
    found = crashed("values.c", "-g", "-O0")
    first = next(iter(found.frames.values()))[0]
    assert first.source_start is not None
    assert first.line is not None
    shown = first.source[first.line - first.source_start]
    assert "*null = (int)(inner + ratio" in shown


def built(
    core: Path, *directories: Path
) -> tuple[list[Frame], list[Module], list[Note]]:
    with open_core(core) as opened, DebugFiles(directories) as files:
        stack = Unwinder(opened).unwind(opened.threads[0].registers)
        builder = FrameBuilder(opened, debug_files=files)
        frames = list(builder.frames(stack))
        return frames, list(builder.modules()), list(builder.notes())


def test_a_stripped_program_has_functions_of_its_symbols_only(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("values.c", "-O0", "-rdynamic", "-s")
    frames, found, _ = built(kernel_core([program]))
    assert frames[0].module == str(program)
    assert frames[0].line is None
    assert frames[0].variables == ()
    main = next(module for module in found if module.path == str(program))
    assert main.symbols == "dynsym"
    assert main.problem is not None
    assert "no debug information" in main.problem
    names = [frame.function for frame in frames]
    assert names[:3] == ["crash", "hold", "main"]


@pytest.mark.libdw
@pytest.mark.parametrize("how", ["debuglink", "build-id"])
def test_a_separate_debug_file_gives_the_same_frames(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path, how: str
) -> None:
    build = compile_program("values.c", "-g", "-O2", "-Wl,--build-id=sha1")
    program = tmp_path / "program"
    shutil.copy(build, program)
    debug = tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    subprocess.run(["strip", "-s", program], check=True)
    if how == "debuglink":
        link = f"--add-gnu-debuglink={debug}"
        subprocess.run(["objcopy", link, program], check=True)
    core = kernel_core([program])
    if how == "build-id":
        build_id = built(core)[0][0].build_id
        assert build_id is not None
        target = tmp_path / f"symbols/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
        target.parent.mkdir(parents=True)
        debug = debug.rename(target)
    frames, found, _ = built(core, tmp_path / "symbols")
    assert [f.function for f in frames[:3]] == ["crash", "hold", "main"]
    assert [v.name for v in frames[0].variables][:2] == ["list", "record"]
    main = next(module for module in found if module.path == str(program))
    assert (main.symbols, main.debug_file) == ("dwarf", str(debug))


def test_without_libdw_frames_have_symbol_names_and_a_note_says_why(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = compile_program("values.c", "-g", "-O0")
    core = kernel_core([program])
    monkeypatch.setattr(libdw_file, "_UNAVAILABLE", "coresnap._libdw is not built")
    frames, found, notes = built(core)
    assert [f.function for f in frames[:3]] == ["crash", "hold", "main"]
    assert {f.line for f in frames} == {None}
    assert ["coresnap._libdw is not built" in note.message for note in notes] == [True]
    assert {module.symbols for module in found} <= {"symtab", "dynsym", "none"}


@pytest.mark.libdw
def test_what_is_cut_at_a_limit_says_so(crashed: Crash) -> None:
    found = crashed("values.c", "-g", "-O0")
    limits = ValueLimits(nodes=20)
    with open_core(found.core) as opened:
        stack = Unwinder(opened).unwind(opened.threads[0].registers)
        with FrameBuilder(opened, limits=limits) as builder:
            frames = builder.frames(stack)
            (dropped,) = builder.dropped()
    assert any(is_cut(v) for frame in frames for v in frame.variables)
    assert (dropped.what, dropped.count > 0) == ("values", True)
    assert dropped.reason == "the process has more than 20 to show"
    assert sum(count(v) for frame in frames for v in frame.variables) < 200


def is_cut(variable: Variable) -> bool:
    return variable.truncated or any(map(is_cut, variable.members))


def count(variable: Variable) -> int:
    inside = sum(map(count, variable.members))
    return 1 + inside + (count(variable.target) if variable.target else 0)


@pytest.mark.libdw
def test_a_damaged_debug_file_costs_its_own_frames_only(
    crashed: Crash, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = crashed("values.c", "-g", "-O0")
    monkeypatch.setattr(modules, "ModuleReader", lambda *arguments: DamagedReader())
    frames, _, notes = built(found.core)
    assert [f.function for f in frames[:3]] == ["crash", "hold", "main"]
    assert any("damaged" in note.message for note in notes)


class DamagedReader:
    """What a module's debug information is when libdw finds it broken."""

    def plan(self, pc: int, return_pc: int) -> None:
        raise InputError("damaged debug information entry")

    def line_at(self, pc: int) -> None:
        raise InputError("damaged line table")


@pytest.mark.libdw
def test_a_frame_says_how_its_unit_was_compiled(crashed: Crash) -> None:
    found = crashed("values.cc", "-std=c++17", "-g", "-O2")
    frames = next(iter(found.frames.values()))
    ours = [frame for frame in frames if str(frame.file).endswith("values.cc")]
    assert {frame.language for frame in ours} == {"C++17"}
    assert {frame.optimized for frame in ours} == {True}
    producers = {frame.producer for frame in ours}
    assert len(producers) == 1
    assert "-O2" in str(producers.pop())


@pytest.mark.libdw
def test_of_a_stack_overflow_both_ends_are_shown(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    flags = ("-g", "-O0", "-fno-stack-protector", "-w")
    program = compile_program("odd_stacks.c", *flags, libraries=["-pthread"])
    snapshot = coresnap.analyze(kernel_core([program, "overflow"]))
    frames = snapshot.threads[0].frames
    assert frames[0].function == "overflow"
    assert "main" in [frame.function for frame in frames[-5:]]
    (gap,) = [frame.left_out for frame in frames if frame.left_out]
    counts = {one.what: one.count for one in snapshot.dropped}
    assert counts["frames"] == gap > 10_000
    assert f"… {gap:,} frames left out …" in render(snapshot)
