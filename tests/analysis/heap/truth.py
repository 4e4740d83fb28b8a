"""What tests/cores/block_truth.c printed before it crashed, and the core it left."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import attrs

from coresnap.analysis.heap.heaps import Heap
from kernel import core_pattern, run_unlimited


@attrs.frozen
class Truth:
    """Every block by address; one that was handed out again counts as live."""

    sizes: Mapping[int, int]
    """Bytes asked for, the last time."""
    live: frozenset[int]
    freed: frozenset[int]


def crash(
    argv: list[str | Path], directory: Path, env: Mapping[str, str]
) -> tuple[Path, bytes]:
    """The core that the kernel wrote, and what the program printed."""
    place = Path(tempfile.mkdtemp(dir=directory))
    with core_pattern(f"{place}/core"):
        run = run_unlimited(argv, cwd=place, env={"PATH": "/usr/bin:/bin", **env})
    assert (place / "core").exists(), (run.returncode, run.stderr)
    return place / "core", run.stdout


def read_truth(text: bytes) -> Truth:
    """What the program printed."""
    sizes: dict[int, int] = {}
    live: set[int] = set()
    freed: set[int] = set()
    for line in text.split(b"\n")[:-1]:
        address, size, is_freed = line.split()
        (freed if is_freed == b"1" else live).add(int(address, 16))
        if is_freed == b"0" or int(address, 16) not in live:
            sizes[int(address, 16)] = int(size)
    return Truth(sizes, frozenset(live), frozenset(freed - live))


def assert_live_blocks_are_known(heap: Heap, truth: Truth) -> None:
    """Every live block, from its first byte to its last."""
    for address in truth.live:
        size = truth.sizes[address]
        for offset in {0, size // 2, size - 1}:
            found = heap.place(address + offset)
            assert found is not None, hex(address)
            assert found.block.address == address
            assert found.block.size >= size
            assert found.block.state == "live", found.block
            assert found.offset == offset


def assert_blocks_are_known(heap: Heap, truth: Truth) -> None:
    """All live blocks, nearly all small ones that were freed, and totals that fit."""
    assert_live_blocks_are_known(heap, truth)
    freed = {block.address for block in heap.freed()}
    assert not freed & truth.live
    small = {address for address in truth.freed if truth.sizes[address] < 4096}
    # What was freed last may be told from what was never used by nothing.
    assert len(small - freed) <= len(small) // 50
    report = heap.report()
    assert report.damage == ()
    assert report.live_blocks >= len(truth.live)
    assert report.mapped_bytes >= report.live_bytes + report.free_bytes


def strip(program: Path) -> Path:
    """The program without its symbols."""
    stripped = program.with_name(program.name + "-stripped")
    subprocess.run(["strip", "-o", stripped, program], check=True)
    return stripped
