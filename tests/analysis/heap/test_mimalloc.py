"""Heaps of Debian's mimalloc 2.0.9 in cores that the kernel wrote."""

from __future__ import annotations

import ctypes.util
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.analysis.heap.heaps import Heap
from coresnap.analysis.heap.mimalloc.find import find_mimalloc
from coresnap.elfcore.corefile import CoreFile, open_core
from heap.truth import assert_live_blocks_are_known, crash, read_truth

LIBRARY = ctypes.util.find_library("mimalloc")
pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.skipif(
        LIBRARY is None,
        reason="libmimalloc is not installed (libmimalloc2.0)",
    ),
]
PRELOADED = {"LD_PRELOAD": str(LIBRARY)}

CompileProgram = Callable[..., Path]


def heap_of(core: CoreFile) -> Heap:
    found = find_mimalloc(core)
    assert found is not None
    return found


def mistake(
    kind: str, compile_program: CompileProgram, directory: Path
) -> tuple[CoreFile, int, int]:
    program = compile_program("block_mistakes.c", "-O0", "-g")
    path, printed = crash([program, kind], directory, PRELOADED)
    block, other = (int(word, 16) for word in printed.split())
    return open_core(path), block, other


def test_every_block_is_what_the_program_says(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    program = compile_program("block_truth.c", "-O1", "-g", "-pthread")
    path, printed = crash([program], core_directory, PRELOADED)
    truth = read_truth(printed)
    with open_core(path) as core:
        heap = heap_of(core)
        assert_live_blocks_are_known(heap, truth)
        freed = {block.address for block in heap.freed()}
        assert not freed & truth.live
        small = {a for a in truth.freed if truth.sizes[a] < 4096}
        # What was freed last may be told from what was never used by nothing.
        assert len(small - freed) <= len(small) // 50
        report = heap.report()
        assert report.damage == ()
        assert report.live_blocks >= len(truth.live)
        assert report.mapped_bytes >= report.live_bytes + report.free_bytes


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
            f"local frees of thread {core.threads[0].tid}, size 32"
        )
        assert found.block.preview[8:] == b"A" * 24
        neighbour = heap.place(other)
        assert neighbour is not None
        assert neighbour.block.state == "live"
        assert next(heap.freed()).address == block


def test_a_block_that_was_freed_twice_is_damage(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    core, block, _ = mistake("twice", compile_program, core_directory)
    with core:
        damage, count = heap_of(core).report().damage
        assert (damage.kind, damage.address) == ("twice", block)
        assert count.kind == "count"


def test_a_program_without_it_has_none(
    compile_program: CompileProgram, core_directory: Path
) -> None:
    program = compile_program("block_mistakes.c", "-O0", "-g")
    path, _ = crash([program], core_directory, {})
    with open_core(path) as core:
        assert find_mimalloc(core) is None
