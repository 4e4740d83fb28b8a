"""Cores of which only a part was kept: the same frames, and never a zero made up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.errors import MemoryReadError
from coresnap.model import Frame, Mapping, Snapshot, Thread, UnwindEnd
from coresnap.snapshot.text import render
from thincore import thin_core

PAGE = 4096
SMALL = 128 * 1024
PROGRAMS = [
    ("simple.c", [], ["-pthread"]),
    ("deep.c", ["3", "30"], ["-pthread"]),
    ("workers.c", [], ["-pthread"]),
    ("inlines.c", [], []),
    ("handler.c", [], []),
]

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern, pytest.mark.libdw]


def stacks(core: CoreFile) -> Iterator[tuple[int, int]]:
    """What the rung ``stacks`` keeps, in its simplest form."""
    for thread in core.threads:
        pointer = thread.registers[core.architecture.stack_pointer]
        mapping = core.memory.find_mapping(pointer)
        if mapping is not None:
            yield max(mapping.start, pointer - 256), mapping.end
    for mapping in core.mappings:
        if mapping.offset == 0 or (mapping.path or "").startswith("[vdso"):
            yield mapping.start, mapping.start + PAGE
        is_data = mapping.path is not None and "x" not in mapping.permissions
        is_small = mapping.end - mapping.start <= SMALL
        if mapping.path == "[vdso]" or is_data or (writable(mapping) and is_small):
            yield mapping.start, mapping.end


def writable(mapping: Mapping) -> bool:
    return "w" in mapping.permissions


def assets(rung: str, reason: str) -> dict[str, bytes]:
    record = {"rung": rung, "rung_reason": reason, "parked": 1_000_000}
    return {"crash.json": b"{}", "capture.json": json.dumps(record).encode()}


def places(snapshot: Snapshot) -> list[tuple[int, UnwindEnd, list[Frame]]]:
    """Threads and frames; variables, and what is remarked, may be missing where
    memory is."""

    def bare(thread: Thread) -> list[Frame]:
        return [
            msgspec.structs.replace(frame, variables=(), annotations=())
            for frame in thread.frames
        ]

    return [(thread.tid, thread.end, bare(thread)) for thread in snapshot.threads]


@pytest.fixture(params=PROGRAMS, ids=lambda program: program[0])
def whole(
    request: pytest.FixtureRequest,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
) -> Path:
    source, words, libraries = request.param
    program = compile_program(source, "-g", "-O0", libraries=libraries)
    return kernel_core([program, *words])


def test_stacks_alone_give_the_frames_of_the_whole_core(
    whole: Path, tmp_path: Path
) -> None:
    with open_core(whole) as core:
        kept = list(stacks(core))
    thin = tmp_path / "thin"
    thin.write_bytes(thin_core(whole.read_bytes(), kept))

    expected = coresnap.analyze(whole)
    found = coresnap.analyze(thin, assets=assets("stacks", "budget"))

    assert places(found) == places(expected)
    assert found.fingerprint == expected.fingerprint
    assert found.signal == expected.signal
    assert [m.build_id for m in found.modules] == [m.build_id for m in expected.modules]
    assert [(m.start, m.end) for m in found.mappings] == [
        (m.start, m.end) for m in expected.mappings
    ]
    assert sum(m.stored for m in found.mappings) < sum(
        m.stored for m in expected.mappings
    )
    assert not found.truncated
    assert found.quality <= expected.quality
    assert found.attributes["capture.rung"] == "stacks"
    assert found.attributes["capture.rung.reason"] == "budget"
    assert "only stacks" in next(n.message for n in found.notes if n.step == "capture")
    assert any("bytes of memory" in note.message for note in found.notes)
    assert not any("bytes of memory" in note.message for note in expected.notes)


def test_variables_have_the_value_of_the_whole_core_or_none(
    whole: Path, tmp_path: Path
) -> None:
    with open_core(whole) as core:
        kept = list(stacks(core))
    thin = tmp_path / "thin"
    thin.write_bytes(thin_core(whole.read_bytes(), kept))

    expected = coresnap.analyze(whole)
    found = coresnap.analyze(thin)

    for one, other in zip(found.threads, expected.threads, strict=True):
        for frame, full in zip(one.frames, other.frames, strict=True):
            assert [v.name for v in frame.variables] == [v.name for v in full.variables]
            for variable, true in zip(frame.variables, full.variables, strict=True):
                assert variable.missing or variable.value == true.value


def test_notes_alone_give_registers_and_the_innermost_frame(
    whole: Path, tmp_path: Path
) -> None:
    thin = tmp_path / "thin"
    thin.write_bytes(thin_core(whole.read_bytes(), []))

    expected = coresnap.analyze(whole)
    found = coresnap.analyze(thin, assets=assets("notes", "no-space"))

    assert [t.registers for t in found.threads] == [
        t.registers for t in expected.threads
    ]
    assert found.threads[0].frames[0].pc == expected.threads[0].frames[0].pc
    for range_ in found.memory:  # what the module's files have
        (mapping,) = (m for m in found.mappings if m.start <= range_.address < m.end)
        assert not writable(mapping)
    assert found.quality <= 40
    assert "no memory" in found.quality_reason
    assert render(found)
    with open_core(thin) as core:
        assert not any(mapping.stored for mapping in core.mappings)


def test_what_was_not_kept_is_absent_and_never_zero(
    whole: Path, tmp_path: Path
) -> None:
    with open_core(whole) as core:
        heap = next(m for m in core.mappings if writable(m) and m.stored)
        kept = [(heap.start, heap.start + PAGE)] if heap.stored > PAGE else []
    thin = tmp_path / "thin"
    thin.write_bytes(thin_core(whole.read_bytes(), kept))

    with open_core(thin) as core:
        for mapping in core.mappings:
            if writable(mapping) and (mapping.start, PAGE) not in kept:
                address = mapping.end - 8
                with pytest.raises(MemoryReadError):
                    core.memory.read(address, 8)
                with pytest.raises(MemoryReadError):
                    core.memory.read_word(address)


@pytest.mark.gdb
def test_gdb_reads_the_same_frames_from_the_stacks(whole: Path, tmp_path: Path) -> None:
    with open_core(whole) as core:
        kept = list(stacks(core))
        program = core.executable_path
    thin = tmp_path / "thin"
    thin.write_bytes(thin_core(whole.read_bytes(), kept))

    def backtrace(core: Path) -> list[str]:
        command = ["gdb", "-nx", "-batch", "-ex", "thread apply all bt", str(program)]
        run = subprocess.run(
            [*command, str(core)], capture_output=True, text=True, check=True
        )
        return [line for line in run.stdout.splitlines() if line.startswith("#")]

    assert backtrace(thin) == backtrace(whole) != []
