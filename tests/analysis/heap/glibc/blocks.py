"""What tests/cores/heap_blocks.c printed, and the core that it left."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from coresnap.analysis.heap.heaps import Heap
from kernel import core_pattern, run_unlimited


@attrs.frozen
class Printed:
    """Blocks by address: bytes asked for and usable."""

    live: Mapping[int, tuple[int, int]]
    freed: Mapping[int, tuple[int, int]]
    """None of them overlaps a live one."""


def crash(argv: Sequence[str | Path], directory: Path, **env: str) -> tuple[Path, str]:
    """The core that the kernel wrote, and what the program, or its child, printed."""
    directory = Path(tempfile.mkdtemp(dir=directory))
    directory.chmod(0o777)
    with core_pattern(f"{directory}/core.%P"):
        run = run_unlimited(argv, cwd=directory, env={**os.environ, **env})
    cores = list(directory.glob("core.*"))
    assert len(cores) == 1, (run.returncode, run.stderr, cores)
    return cores[0], run.stdout.decode()


def read_printed(text: str) -> Printed:
    blocks: dict[str, dict[int, tuple[int, int]]] = {"live": {}, "free": {}}
    for line in text.splitlines():
        state, address, size, usable = line.split()
        blocks[state][int(address, 16)] = (int(size), int(usable))
    live = sorted(blocks["live"])
    freed = {}
    for start, sizes in blocks["free"].items():
        index = bisect_right(live, start) - 1
        if index < 0 or start >= live[index] + blocks["live"][live[index]][1]:
            freed[start] = sizes
    return Printed(blocks["live"], freed)


def assert_live_are_live(heap: Heap, printed: Printed) -> None:
    """Every one of them, at both ends, with the size that malloc_usable_size says."""
    for address, (size, usable) in printed.live.items():
        for offset in {0, max(0, size - 1), usable - 1}:
            found = heap.place(address + offset)
            assert found is not None, hex(address)
            assert found.block.state == "live", (hex(address), found)
            assert (found.block.address, found.block.size) == (address, usable)
            assert found.offset == offset


def reused(heap: Heap, printed: Printed) -> int:
    """How many freed blocks are live again: others than the program have them."""
    count = 0
    for address in printed.freed:
        found = heap.place(address)
        if found is not None and found.block.state in ("live", "metadata"):
            count += 1
        elif found is not None:
            assert found.block.state in ("free", "top"), (hex(address), found)
            assert (found.block.free_list is None) == (found.block.state == "top")
    return count
