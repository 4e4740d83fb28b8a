"""Every block of real programs is what malloc says, however malloc is used."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import SOURCES, CompileProgram
from coresnap.analysis.heap.find import find_heaps
from coresnap.analysis.heap.heaps import Heap
from coresnap.elfcore.corefile import open_core
from coresnap.model import Allocator
from debian_libc import compile_for, fetch_libc
from heap.glibc.blocks import (
    Printed,
    assert_live_are_live,
    crash,
    read_printed,
    reused,
)

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

SUITES = {"bullseye": "2.31", "trixie": "2.41", "sid": None}
"""Debian's releases, and the version of the one that does not move."""
OF_THREADS = 12
"""Blocks that the C library itself has, of six threads."""

Crash = Callable[..., "tuple[Heap, Printed]"]


@pytest.fixture
def crashed(core_directory: Path) -> Iterator[Crash]:
    """Run a program; its heap, and what it printed."""
    opened = []

    def crashed(*argv: str | Path, **env: str) -> tuple[Heap, Printed]:
        path, text = crash(argv, core_directory, **env)
        core = open_core(path)
        path.unlink()
        opened.append(core)
        (heap,) = find_heaps(core).heaps
        return heap, read_printed(text)

    yield crashed
    for core in opened:
        core.close()


@pytest.fixture
def program(compile_program: CompileProgram) -> Path:
    return compile_program("heap_blocks.c", "-O1", "-w", libraries=["-pthread"])


def assert_healthy(report: Allocator) -> None:
    assert report.damage == ()
    assert [note for note in report.notes if "locked" not in note] == []


@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.parametrize(
    "mode", ["churn", "aligned", "resized", "large", "trimmed", "foreign"]
)
def test_every_block_of_one_thread_is_known(
    program: Path, crashed: Crash, mode: str, seed: str
) -> None:
    heap, printed = crashed(program, mode, seed)

    report = heap.report()
    assert_healthy(report)
    assert report.live_blocks == len(printed.live)
    assert report.live_bytes == sum(usable for _, usable in printed.live.values())
    assert_live_are_live(heap, printed)
    assert reused(heap, printed) == 0


@pytest.mark.parametrize("mode", ["threads", "forked"])
def test_every_block_of_many_threads_is_known(
    program: Path, crashed: Crash, mode: str
) -> None:
    heap, printed = crashed(program, mode, "3")

    report = heap.report()
    assert_healthy(report)
    assert report.arenas > 2
    others = report.live_blocks - len(printed.live)
    assert 0 <= others <= OF_THREADS
    assert_live_are_live(heap, printed)
    assert reused(heap, printed) <= OF_THREADS


def test_a_heap_that_threads_were_changing_is_not_called_damaged(
    program: Path, crashed: Crash
) -> None:
    for seed in range(3):
        heap, _ = crashed(program, "busy", str(seed))
        assert [damage for damage in heap.report().damage if not damage.doubt] == []


@pytest.mark.parametrize(
    "tunable",
    [
        "tcache_count=0",
        "tcache_count=100",
        "tcache_max=300",
        "mxfast=0",
        "mxfast=160",
        "mmap_threshold=2048",
        "hugetlb=1",
        "hugetlb=2",
    ],
)
def test_every_tunable_leaves_a_heap_that_is_known(
    program: Path, crashed: Crash, tunable: str
) -> None:
    heap, printed = crashed(
        program, "churn", "4", GLIBC_TUNABLES=f"glibc.malloc.{tunable}"
    )

    report = heap.report()
    assert_healthy(report)
    assert report.live_blocks == len(printed.live)
    assert_live_are_live(heap, printed)
    assert reused(heap, printed) == 0


def test_one_arena_for_all_threads_is_known(program: Path, crashed: Crash) -> None:
    heap, printed = crashed(program, "threads", "5", MALLOC_ARENA_MAX="1")

    assert_healthy(heap.report())
    assert heap.report().arenas == 1
    assert_live_are_live(heap, printed)


def test_lists_hold_the_blocks_in_the_order_of_their_freeing(
    program: Path, crashed: Crash
) -> None:
    heap, printed = crashed(program, "lists", "0")

    order = list(printed.freed)  # the oldest first, twelve of each of the last sizes
    lists = {address: heap.place(address) for address in order}
    names = Counter(
        (place.block.free_list or place.block.state).split(" of ")[0]
        for place in lists.values()
        if place is not None
    )
    assert names["tcache 32"] == names["tcache 48"] == names["tcache 112"] == 7
    assert names["fastbin 32"] == names["fastbin 48"] == names["fastbin 112"] == 5
    freed = [block.address for block in heap.freed()]
    assert len(freed) == len(set(freed)) == heap.report().free_blocks
    of_24 = order[-36:-24]
    assert [a for a in freed if a in of_24] == of_24[6::-1] + of_24[11:6:-1]
    assert heap.report().freed[0].free_list is not None


def test_a_link_leads_to_the_block_that_holds_it(program: Path, crashed: Crash) -> None:
    heap, _printed = crashed(program, "lists", "0")

    linked = 0
    for block in heap.freed():
        link = int.from_bytes(block.preview[:8], "little")
        if block.free_list is not None and "cache" in block.free_list:
            # The last block's link in a list is that of its page.
            found = heap.linked(link)
            assert found is not None
            assert found.preview[:8] == block.preview[:8]
            linked += 1
    assert linked == 4 * 7
    assert heap.linked(0) is None
    assert heap.linked(0x1234567) is None


@pytest.mark.parametrize("flag", ["-static", "-m32"])
def test_other_ways_to_build_are_read(
    flag: str, crashed: Crash, compile_program: CompileProgram
) -> None:
    probe = ["cc", flag, "-xc", "-", "-o", "/dev/null"]
    main = b"#include <stdlib.h>\nint main(void) { return 0; }"
    if subprocess.run(probe, input=main, capture_output=True, check=False).returncode:
        pytest.skip(f"the C compiler cannot build with {flag}")
    program = compile_program(
        "heap_blocks.c", flag, "-O1", "-w", libraries=["-pthread"]
    )

    for mode in ("churn", "aligned", "threads"):
        heap, printed = crashed(program, mode, "7")
        assert_healthy(heap.report())
        assert 0 <= heap.report().live_blocks - len(printed.live) <= OF_THREADS
        assert_live_are_live(heap, printed)
        assert reused(heap, printed) <= OF_THREADS


@pytest.mark.parametrize("suite", SUITES)
def test_other_versions_are_read(
    suite: str, crashed: Crash, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.getbasetemp()
    oldest = fetch_libc("bullseye", directory)
    libc = fetch_libc(suite, directory)
    target = directory / f"heap_blocks-{suite}"
    program = compile_for(SOURCES / "heap_blocks.c", oldest, libc, target)

    for mode in ("churn", "resized", "large", "threads"):
        heap, printed = crashed(program, mode, "6")
        report = heap.report()
        assert SUITES[suite] in (report.version, None)
        assert_healthy(report)
        assert 0 <= report.live_blocks - len(printed.live) <= OF_THREADS
        assert_live_are_live(heap, printed)
        assert reused(heap, printed) <= OF_THREADS
