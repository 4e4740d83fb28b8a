"""Heaps that no program would leave, on machines that we have not got."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from coresnap.analysis.heap.glibc import (
    caches,
    chunk_list,
    chunk_walk,
    contents,
    heap,
    orphan,
    region_walk,
    report,
)
from coresnap.analysis.heap.glibc.find import find_glibc
from coresnap.analysis.heap.heaps import Heap
from coresnap.elfcore.corefile import open_core
from corewriter import AARCH64, EM_AARCH64, I386, X86_64, Segment, Target
from heap.glibc.forge import HEAP_SIZE, Forge

MACHINES = {
    "x86-64": X86_64,
    "i386": I386,
    "aarch64": AARCH64,
    "aarch64_be": Target(EM_AARCH64, 64, "big"),
}
SIZES = [0x40, 0x40, 0x80, 0x40, 0x40, 0x100, 0x40]

Opened = Callable[..., Heap]


@pytest.fixture(params=["native", "python"], autouse=True)
def half(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walks in C, and their twins."""
    if request.param == "native":
        if chunk_walk.ChunkWalk is chunk_walk.PythonChunkWalk:
            pytest.skip("coresnap._native is not built")
        return
    use_twins(monkeypatch)


def use_twins(patch: pytest.MonkeyPatch) -> None:
    for walker in (region_walk, orphan):
        patch.setattr(walker, "ChunkWalk", chunk_walk.PythonChunkWalk)
    for reader in (caches, contents, heap, report):
        patch.setattr(reader, "ListReader", chunk_list.PythonListReader)


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    def opened(forge: Forge, **options: object) -> Heap:
        core = open_core(forge.write(tmp_path, **options))  # type: ignore[arg-type]
        (found,) = find_glibc(core).heaps
        return found

    return opened


def list_of(forge: Forge) -> int:
    """Index of the tcache's list for chunks of 0x40 bytes."""
    return 2 if forge.word == 8 else 3


def put_list(forge: Forge, *blocks: int) -> None:
    """Put blocks into the tcache, the first of them first."""
    index = list_of(forge)
    forge.put_tcache(index, len(blocks), blocks[0])
    for block, link in zip(blocks, (*blocks[1:], 0), strict=True):
        forge.put(block, forge.protect(block, link))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_heap_of_every_machine_is_read(machine: str, opened: Opened) -> None:
    forge = Forge(MACHINES[machine], SIZES)
    put_list(forge, forge.block(3), forge.block(0))
    found = opened(forge)

    report = found.report()
    assert report.damage == ()
    assert report.notes == ()
    assert (report.live_blocks, report.free_blocks) == (5, 2)
    assert report.version == "2.32–2.41"
    assert [block.address for block in found.freed()] == [
        forge.block(3),
        forge.block(0),
    ]
    placed = found.place(forge.block(3) + 9)
    assert placed is not None
    assert (placed.block.state, placed.offset) == ("free", 9)
    assert placed.block.free_list == "tcache 64 of thread 100"
    assert placed.before is not None
    assert placed.before.address == forge.block(2)
    linked = found.linked(forge.protect(forge.block(3), forge.block(0)))
    assert linked is not None
    assert linked.address == forge.block(3)
    top = found.place(forge.top + 0x200)
    assert top is not None
    assert top.block.state == "top"
    cache = found.place(forge.tcache + 8)
    assert cache is not None
    assert cache.block.state == "metadata"


def test_links_without_protection_are_told_from_others(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    forge.put_tcache(2, 2, forge.block(3))
    forge.put(forge.block(3), forge.block(0))
    forge.put(forge.block(0), 0)
    found = opened(forge)

    report = found.report()
    assert report.damage == ()
    assert report.version == "2.30–2.31"
    assert report.free_blocks == 2


@pytest.mark.parametrize("machine", MACHINES)
def test_a_cut_core_has_the_heap_without_the_library(
    machine: str, tmp_path: Path
) -> None:
    forge = Forge(MACHINES[machine], [*SIZES, 0x200, *[0x40] * 8])
    put_list(forge, forge.block(3), forge.block(0))
    whole = forge.write(tmp_path)
    with whole.open("r+b") as file:
        file.truncate(whole.stat().st_size - 0x1F80)

    (found,) = find_glibc(open_core(whole)).heaps
    report = found.report()
    assert report.damage == ()
    assert any("variables are not in the core" in note for note in report.notes)
    assert report.free_blocks == 2
    placed = found.place(forge.block(3))
    assert placed is not None
    assert placed.block.state == "free"
    # A smaller one may be in a fastbin, whose list is lost.
    small, large = found.place(forge.block(1)), found.place(forge.block(7))
    assert small is not None
    assert large is not None
    assert (small.block.state, large.block.state) == ("unknown", "live")
    top = found.place(forge.top + 0x40)
    assert top is not None
    assert top.block.state == "top"


def test_a_list_that_goes_round_is_a_block_that_is_free_twice(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    one, other = forge.block(0), forge.block(3)
    forge.put_tcache(2, 3, one)
    forge.put(one, forge.protect(one, other))
    forge.put(other, forge.protect(other, one))
    found = opened(forge)

    (damage,) = found.report().damage
    assert damage.kind == "twice"
    assert damage.address in (one, other)
    assert sorted(b.address for b in found.freed()) == sorted((one, other))


def test_a_list_with_another_count_is_damaged(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    put_list(forge, forge.block(0))
    forge.put_tcache(2, 5, forge.block(0))

    (damage,) = opened(forge).report().damage
    assert damage.kind == "count"
    assert "5" in damage.what


def test_a_block_of_another_size_in_a_list_is_found(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    put_list(forge, forge.block(0), forge.block(2))

    (damage,) = opened(forge).report().damage
    assert damage.address == forge.block(2) - 8
    assert "0x81" in damage.what


def test_a_link_to_nowhere_is_damage(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    put_list(forge, forge.block(0), 0x123450)

    found = opened(forge)
    report = found.report()
    (damage,) = report.damage
    assert (damage.kind, damage.address) == ("link", forge.block(0))
    assert "0x123450" in damage.what
    # Nothing waits there: what no list has is in use.
    assert report.notes == ()
    placed = found.place(forge.block(3))
    assert placed is not None
    assert placed.block.state == "live"


def test_a_link_to_memory_that_the_core_left_out_is_no_damage(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    put_list(forge, forge.block(0), 0x123450)
    found = opened(forge, more=[Segment(0x120000, b"", memory_size=0x10000)])

    report = found.report()
    assert report.damage == ()
    assert any("0x123450" in note for note in report.notes)
    # Others of that size may wait behind it.
    placed = found.place(forge.block(3))
    assert placed is not None
    assert placed.block.state == "unknown"


def test_a_heap_that_ends_early_is_read_so_far(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    found = opened(forge, stored=forge.chunks[5] - forge.heap + 4)

    report = found.report()
    assert report.damage == ()
    assert any("not in the core" in note for note in report.notes)
    assert report.live_blocks == 4
    placed = found.place(forge.block(1))
    assert placed is not None
    assert placed.block.state == "live"
    behind = found.place(forge.block(6))
    assert behind is not None
    assert behind.block.state == "unknown"


def test_a_bin_that_goes_round_is_left(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    one, other = forge.chunks[0], forge.chunks[3]
    forge.put(forge.bins, one)  # the unsorted bin's first, and from there in a circle
    forge.put(one + 16, other, forge.bins - 16)
    forge.put(other + 16, one, one)

    damage = opened(forge).report().damage
    assert [one.kind for one in damage] == ["link"]
    assert "unsorted bin" in damage[0].what


@pytest.mark.parametrize("to", ["itself", "nowhere", "in a circle"])
def test_a_ring_of_arenas_that_does_not_close_is_left(to: str, tmp_path: Path) -> None:
    forge = Forge(X86_64, SIZES)
    distance = forge.next_link - forge.arena
    fake = forge.heap + 0x2000
    where = {"itself": fake, "nowhere": 0x1234560, "in a circle": fake + 8}[to]
    forge.put(forge.next_link, fake)
    forge.put(fake + distance, where)
    forge.put(fake + 8 + distance, fake)

    found = find_glibc(open_core(forge.write(tmp_path)))
    assert found.heaps == ()
    assert "was not found" in found.notes[0].message


def test_sizes_of_garbage_end_the_walk(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    for at in range(forge.chunks[2], forge.heap + HEAP_SIZE, 8):
        forge.put(at, 0x5A5A5A5A5A5A5A5A)
    report = opened(forge).report()

    assert report.live_blocks == 1
    assert {damage.kind for damage in report.damage} == {"header"}
    assert any("no chunks were found behind" in note for note in report.notes)


def test_many_broken_headers_are_bounded(opened: Opened) -> None:
    forge = Forge(X86_64, [0x20] * 400)
    for index in range(40, 400, 20):
        forge.put(forge.chunks[index] + 8, 0x7777777777777777)
    report = opened(forge).report()

    assert len(report.damage) == 18
    assert report.live_blocks == 400 - 2 * 18


def test_damage_where_another_thread_was_at_work_is_doubted(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    forge.put(forge.chunks[2] + 8, 0x7777777777777777)
    forge.put(forge.arena, 2)  # the mutex: locked, and others wait
    found = opened(forge, threads=[forge.libc + 0x100])

    (damage,) = found.report().damage
    assert "locked" in damage.doubt
    assert any("locked" in note for note in found.report().notes)


def test_damage_by_the_only_thread_is_not_doubted(opened: Opened) -> None:
    forge = Forge(X86_64, SIZES)
    forge.put(forge.chunks[2] + 8, 0x7777777777777777)
    forge.put(forge.arena, 1)

    (damage,) = opened(forge).report().damage
    assert damage.doubt == ""
    assert damage.overrun is not None
    assert damage.overrun.address == forge.block(1)


@pytest.mark.parametrize("value", [(1 << 64) - 32, (1 << 64) - 8, 1 << 63, 8])
def test_a_fastbin_that_leads_beyond_all_memory_is_damage(
    value: int, opened: Opened
) -> None:
    forge = Forge(X86_64, SIZES)
    forge.put(forge.fastbins + 16, value)

    (damage,) = opened(forge).report().damage
    assert (damage.kind, damage.address) == ("link", forge.fastbins + 16)


WORDS = st.sampled_from(
    [0, 1, 0x11, 0x21, 0x41, 0x291, 0x4141414141414141, (1 << 64) - 8]
) | st.integers(0, HEAP_SIZE // 16).map(lambda n: 0x555500000000 + 16 * n)
PLACES = st.integers(0, 0x900 // 8).map(lambda n: 0x555500000000 + 8 * n) | (
    st.integers(0, 0xA00 // 8).map(lambda n: 0x7F0000200000 + 8 * n)
)


@hypothesis.settings(
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(st.lists(st.tuples(PLACES, WORDS), min_size=1, max_size=6))
def test_whatever_is_overwritten_both_halves_say_the_same(
    tmp_path: Path, overwritten: list[tuple[int, int]]
) -> None:
    forge = Forge(X86_64, [*SIZES, *[0x40] * 10])
    put_list(forge, forge.block(3), forge.block(0), forge.block(9))
    for address, value in overwritten:
        forge.put(address, value)
    core = forge.write(tmp_path)

    def said() -> list[object]:
        found = find_glibc(open_core(core)).heaps
        told: list[object] = [one.report() for one in found]
        for one in found:
            told += [one.place(block) for block in map(forge.block, range(17))]
            told += [one.linked(value) for _, value in overwritten]
        return told

    answers = said()
    with pytest.MonkeyPatch.context() as patch:
        use_twins(patch)
        assert said() == answers


def test_a_block_of_a_caches_size_is_no_cache(opened: Opened) -> None:
    forge = Forge(I386, [0x40, 0x190, 0x40])
    forge.put(forge.tcache - 4, 0x21)  # no cache begins this heap: it was turned off
    forge.put(forge.tcache - 4 + 0x20, 0x171)
    for at in range(forge.block(1), forge.block(1) + 0x188, 12):
        forge.put(at, 0x21 + at % 64, 0x41414141, 0x41414141)

    report = opened(forge).report()
    assert report.damage == ()
    assert report.free_blocks == 0


def test_memory_from_others_between_chunks_is_no_damage(opened: Opened) -> None:
    forge = Forge(X86_64, [0x40] * 80)
    fence, behind = forge.chunks[20], forge.chunks[40]
    forge.put(fence, 0, 0x11, 0, 0x11)
    for at in range(fence + 32, behind, 8):
        forge.put(at, 0x5A5A5A5A5A5A5A5A)

    report = opened(forge).report()
    assert report.damage == ()
    assert report.live_blocks == 20 + 40
