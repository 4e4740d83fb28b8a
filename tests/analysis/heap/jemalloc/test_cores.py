"""Heaps of Debian's jemalloc 5.3.0 in cores that the kernel wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import CompileProgram
from coresnap.elfcore.corefile import open_core
from heap.preloaded import JEMALLOC, MakeMistake
from heap.truth import (
    assert_blocks_are_known,
    assert_live_blocks_are_known,
    crash,
    read_truth,
    strip,
)

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

ARCHIVE = ("-l:libjemalloc.a", "-lstdc++", "-lm", "-ldl")

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


@JEMALLOC.is_needed
@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
def test_every_block_is_what_the_program_says(
    options: dict[str, str], block_truth: Path, core_directory: Path
) -> None:
    text = ",".join(f"{name}:{value}" for name, value in options.items())
    environment = {**JEMALLOC.environment, "MALLOC_CONF": text}
    path, printed = crash([block_truth], core_directory, environment)
    truth = read_truth(printed)
    with open_core(path) as core:
        heap = JEMALLOC.heap(core)
        assert_blocks_are_known(heap, truth)
        assert heap.report().version == "5.3.0"
        for address in truth.freed:
            found = heap.place(address)
            # Pages that nobody has are joined, and may be the system's again.
            assert found is None or found.block.state != "live" or found.offset


@JEMALLOC.is_needed
@pytest.mark.parametrize("stripped", [False, True], ids=["symbols", "stripped"])
def test_it_is_found_in_a_program_that_it_is_linked_into(
    stripped: bool, compile_program: CompileProgram, core_directory: Path
) -> None:
    program = compile_program("block_truth.c", "-O1", "-pthread", libraries=ARCHIVE)
    if stripped:
        program = strip(program)
    path, printed = crash([program], core_directory, {})
    with open_core(path) as core:
        heap = JEMALLOC.heap(core)
        assert heap.report().found_by == ("structure" if stripped else "symbols")
        assert_live_blocks_are_known(heap, read_truth(printed))


@JEMALLOC.is_needed
def test_a_freed_block_keeps_what_was_in_it(make_mistake: MakeMistake) -> None:
    made = make_mistake(JEMALLOC, "once")
    found = made.heap.place(made.block)
    assert found is not None
    assert found.block.preview == b"A" * 32


@JEMALLOC.is_needed
def test_what_was_never_handed_out_is_not_called_freed(
    make_mistake: MakeMistake,
) -> None:
    made = make_mistake(JEMALLOC, "none")
    after = made.heap.place(made.other + 32)
    assert after is not None
    assert after.block.state == "top"
    assert [block.address for block in made.heap.freed()] == []


@JEMALLOC.is_needed
def test_damage_says_in_which_cache_a_block_waits_twice(
    make_mistake: MakeMistake,
) -> None:
    (damage,) = make_mistake(JEMALLOC, "twice").heap.report().damage
    assert "waits 2 times in the tcache of thread" in damage.what


@JEMALLOC.is_needed
def test_a_pointer_into_a_block_that_was_freed_is_damage(
    make_mistake: MakeMistake,
) -> None:
    made = make_mistake(JEMALLOC, "inside")
    (damage,) = made.heap.report().damage
    assert f"holds {made.block + 8:#x}, which is 8 bytes into a region of 32" in (
        damage.what
    )


@JEMALLOC.is_needed
def test_memory_of_its_own_is_metadata(make_mistake: MakeMistake) -> None:
    made = make_mistake(JEMALLOC, "none")
    states = set()
    for mapping in made.core.mappings:
        if mapping.path is None and mapping.permissions == "rw-":
            for address in range(mapping.start, mapping.end, 1 << 16):
                found = made.heap.place(address)
                if found is not None:
                    states.add(found.block.state)
    assert "metadata" in states
