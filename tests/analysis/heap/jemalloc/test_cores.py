"""Heaps of Debian's jemalloc 5.3.0 in cores that the kernel wrote."""

from __future__ import annotations

import ctypes.util
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.analysis.heap.heaps import Heap
from coresnap.analysis.heap.jemalloc.find import find_jemalloc
from coresnap.elfcore.corefile import CoreFile, open_core
from heap.truth import (
    assert_live_blocks_are_known,
    crash,
    read_truth,
    strip,
)

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

LIBRARY = ctypes.util.find_library("jemalloc")
ARCHIVE = ("-l:libjemalloc.a", "-lstdc++", "-lm", "-ldl")
needs_library = pytest.mark.skipif(
    LIBRARY is None, reason="libjemalloc is not installed (libjemalloc2)"
)

CompileProgram = Callable[..., Path]


@pytest.fixture
def blocks(compile_program: CompileProgram) -> Path:
    return compile_program("block_truth.c", "-O1", "-g", "-pthread")


def preloaded(**options: str) -> dict[str, str]:
    text = ",".join(f"{name}:{value}" for name, value in options.items())
    return {"LD_PRELOAD": str(LIBRARY), "MALLOC_CONF": text}


def heap_of(core: CoreFile) -> Heap:
    found = find_jemalloc(core)
    assert found is not None
    return found


CONFIGURATIONS: list[dict[str, str]] = [
    {},
    {"junk": "true"},
    {"zero": "true"},
    {"tcache": "false"},
    {"narenas": "1"},
    {"lg_tcache_max": "20", "cache_oblivious": "false"},
    {"background_thread": "true", "dirty_decay_ms": "0", "muzzy_decay_ms": "0"},
    {"retain": "false", "percpu_arena": "percpu"},
    {"hpa": "true"},
]


@needs_library
@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
def test_every_block_is_what_the_program_says(
    options: dict[str, str], blocks: Path, core_directory: Path
) -> None:
    path, printed = crash([blocks], core_directory, preloaded(**options))
    truth = read_truth(printed)
    with open_core(path) as core:
        heap = heap_of(core)
        assert_live_blocks_are_known(heap, truth)
        for address in truth.freed:
            found = heap.place(address)
            # Pages that nobody has are joined, and may be the system's again.
            assert found is None or found.block.state != "live" or found.offset
        freed = {block.address for block in heap.freed()}
        assert not freed & truth.live
        small = {a for a in truth.freed if truth.sizes[a] < 4096}
        assert len(small - freed) <= len(small) // 50
        report = heap.report()
        assert report.damage == ()
        assert report.version == "5.3.0"
        assert report.live_blocks >= len(truth.live)
        assert report.mapped_bytes >= report.live_bytes + report.free_bytes


@needs_library
@pytest.mark.parametrize("stripped", [False, True], ids=["symbols", "stripped"])
def test_it_is_found_in_a_program_that_it_is_linked_into(
    stripped: bool, compile_program: CompileProgram, core_directory: Path
) -> None:
    program = compile_program("block_truth.c", "-O1", "-pthread", libraries=ARCHIVE)
    if stripped:
        program = strip(program)
    path, printed = crash([program], core_directory, {})
    with open_core(path) as core:
        heap = heap_of(core)
        assert heap.report().found_by == ("structure" if stripped else "symbols")
        assert_live_blocks_are_known(heap, read_truth(printed))


def mistake(
    kind: str, compile_program: CompileProgram, directory: Path
) -> tuple[CoreFile, int, int]:
    program = compile_program("block_mistakes.c", "-O0", "-g")
    path, printed = crash([program, kind], directory, preloaded())
    block, other = (int(word, 16) for word in printed.split())
    return open_core(path), block, other


@needs_library
def test_a_freed_block_waits_in_its_threads_cache(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    core, block, other = mistake("once", compile_program, core_directory)
    with core:
        heap = heap_of(core)
        found = heap.place(block + 24)
        assert found is not None
        assert (found.block.address, found.block.size, found.offset) == (block, 32, 24)
        assert found.block.state == "free"
        assert found.block.free_list == (
            f"tcache of thread {core.threads[0].tid}, class 32"
        )
        assert found.block.preview == b"A" * 32
        neighbour = heap.place(other)
        assert neighbour is not None
        assert neighbour.block.state == "live"
        assert neighbour.before is not None
        assert neighbour.before.address == block
        assert next(heap.freed()).address == block
        assert heap.report().damage == ()


@needs_library
def test_what_was_never_handed_out_is_not_called_freed(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    core, _, other = mistake("none", compile_program, core_directory)
    with core:
        heap = heap_of(core)
        after = heap.place(other + 32)
        assert after is not None
        assert after.block.state == "top"
        assert [block.address for block in heap.freed()] == []


@needs_library
def test_a_block_that_was_freed_twice_is_damage(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    core, block, _ = mistake("twice", compile_program, core_directory)
    with core:
        (damage,) = heap_of(core).report().damage
        assert (damage.kind, damage.address) == ("twice", block)
        assert "waits 2 times in the tcache of thread" in damage.what


@needs_library
def test_a_pointer_into_a_block_that_was_freed_is_damage(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    core, block, _ = mistake("inside", compile_program, core_directory)
    with core:
        (damage,) = heap_of(core).report().damage
        assert f"holds {block + 8:#x}, which is 8 bytes into a region of 32" in (
            damage.what
        )


@needs_library
def test_memory_of_its_own_is_metadata(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    core, _, _ = mistake("none", compile_program, core_directory)
    with core:
        heap = heap_of(core)
        states = set()
        for mapping in core.mappings:
            if mapping.path is None and mapping.permissions == "rw-":
                for address in range(mapping.start, mapping.end, 1 << 16):
                    found = heap.place(address)
                    if found is not None:
                        states.add(found.block.state)
        assert "metadata" in states


def test_a_program_without_it_has_none(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    program = compile_program("block_mistakes.c", "-O0", "-g")
    path, _ = crash([program], core_directory, {})
    with open_core(path) as core:
        assert find_jemalloc(core) is None
