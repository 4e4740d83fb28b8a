"""What every preloaded allocator's heap says of blocks in cores that the kernel wrote.

What only one of them promises is in a file of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.elfcore.corefile import open_core
from heap.preloaded import Library, MakeMistake, each_library
from heap.truth import assert_blocks_are_known, crash, read_truth

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

CACHES = {
    "jemalloc": "tcache of thread {tid}, class 32",
    "tcmalloc": "cache of thread {tid}, class 32",
    "mimalloc": "local frees of thread {tid}, size 32",
}
"""Where a block of 32 bytes goes that its own thread frees."""
FREED_TWICE = {
    "jemalloc": ["twice"],
    "tcmalloc": ["twice"],
    "mimalloc": ["twice", "count"],
}
"""Kinds of the damage that a second free does."""


@each_library
def test_every_block_is_what_the_program_says(
    library: Library, block_truth: Path, core_directory: Path
) -> None:
    path, printed = crash([block_truth], core_directory, library.environment)
    with open_core(path) as core:
        assert_blocks_are_known(library.heap(core), read_truth(printed))


@each_library
def test_a_freed_block_waits_in_its_threads_cache(
    library: Library, make_mistake: MakeMistake
) -> None:
    made = make_mistake(library, "once")
    found = made.heap.place(made.block + 24)
    assert found is not None
    block = found.block
    assert (block.address, block.size, found.offset) == (made.block, 32, 24)
    assert block.state == "free"
    tid = made.core.threads[0].tid
    assert block.free_list == CACHES[library.allocator].format(tid=tid)
    # A list's link may be in the first word.
    assert block.preview[8:] == b"A" * 24
    assert next(made.heap.freed()).address == made.block
    assert made.heap.report().damage == ()


@each_library
def test_the_neighbour_of_a_freed_block_is_live(
    library: Library, make_mistake: MakeMistake
) -> None:
    made = make_mistake(library, "once")
    neighbour = made.heap.place(made.other)
    assert neighbour is not None
    assert neighbour.block.state == "live"
    assert neighbour.before is not None
    assert neighbour.before.address == made.block


@each_library
def test_a_block_that_was_freed_twice_is_damage(
    library: Library, make_mistake: MakeMistake
) -> None:
    made = make_mistake(library, "twice")
    damage = made.heap.report().damage
    assert [one.kind for one in damage] == FREED_TWICE[library.allocator]
    assert damage[0].address == made.block


@each_library
def test_a_program_without_it_has_none(
    library: Library, block_mistakes: Path, core_directory: Path
) -> None:
    path, _ = crash([block_mistakes], core_directory, {})
    with open_core(path) as core:
        assert library.find(core) is None
