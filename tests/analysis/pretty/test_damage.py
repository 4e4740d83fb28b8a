"""Containers whose bytes are noise: something is said of each, and nothing raised."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from shown import crashed_in, variables

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.model import Variable

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]

SEEDS = range(8)
NODE_LIMIT = 3000
"""More than the limits on one variable, its pointees and raw views together."""


def nodes(variable: Variable) -> int:
    below = (*variable.items, *variable.members)
    target = () if variable.target is None else (variable.target,)
    return 1 + sum(map(nodes, below + target))


def places(core: Path, found: dict[str, Variable]) -> Iterator[tuple[int, int]]:
    """Where in the file each variable begins, and bytes that belong to it."""
    with core.open("rb") as stream:
        segments = [
            (s["p_vaddr"], s["p_filesz"], s["p_offset"])
            for s in ELFFile(stream).iter_segments("PT_LOAD")
        ]
    for variable in found.values():
        for start, size, offset in segments:
            at = (variable.address or 0) - start
            if 0 <= at < size - 64:
                yield offset + at, 24


def damaged(data: bytes, spots: list[tuple[int, int]], noise: random.Random) -> bytes:
    """Some words of the variables are numbers, some point to their neighbours."""
    changed = bytearray(data)
    for offset, size in spots:
        for at in range(offset, offset + size, 8):
            word = int.from_bytes(data[at : at + 8], "little")
            choice = noise.randrange(6)
            if choice == 0:
                word = noise.getrandbits(64)
            elif choice == 1:
                word = noise.getrandbits(8)
            elif choice == 2:
                word = (word + 8 * noise.randrange(-64, 64)) % (1 << 64)
            elif choice == 3:
                other = noise.choice(spots)[0]
                word = int.from_bytes(data[other : other + 8], "little")
            changed[at : at + 8] = word.to_bytes(8, "little")
    return bytes(changed)


@pytest.mark.parametrize("part", ["texts", "sequences", "associations", "wrappers"])
def test_noise_in_containers_costs_neither_the_frame_nor_the_budget(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
    part: str,
) -> None:
    program = compile_program("containers.cc", "-std=c++20", "-g", "-O0", "-pthread")
    core = kernel_core([program, part])
    sound = crashed_in(core, part)
    spots = list(places(core, sound))
    data = core.read_bytes()
    doubted = 0
    for seed in SEEDS:
        copy = tmp_path / "core"
        copy.write_bytes(damaged(data, spots, random.Random(seed)))
        snapshot = coresnap.analyze(copy)
        assert [n for n in snapshot.notes if n.step in ("frames", "values")] == []
        found = variables(snapshot.threads[0].frames, part)
        assert found.keys() == sound.keys()
        assert max(map(nodes, found.values())) < NODE_LIMIT
        doubted += sum("corrupt" in (v.text or "") for v in found.values())
    assert doubted > len(SEEDS)
