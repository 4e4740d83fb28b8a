"""Words of real heaps are overwritten: what is found may be less, nothing fails."""

from __future__ import annotations

import itertools
import random
import struct
from pathlib import Path

import pytest

from coresnap.analysis.heap.find import find_heaps
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.model import Allocator
from heap.preloaded import Library, each_library
from heap.truth import crash

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

ROUNDS = 6
WORDS = 300
HEADERS = 1 << 15
"""Bytes of a core before its memory begins."""


@each_library
def test_overwritten_words_never_raise(
    library: Library, block_truth: Path, core_directory: Path
) -> None:
    path, _ = crash([block_truth], core_directory, library.environment)
    whole = path.read_bytes()
    names = set()
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        path.write_bytes(overwritten(whole, chance))
        with open_core(path) as core:
            names |= {report.name for report in asked_everything(core, chance)}
    assert library.allocator in names


def overwritten(whole: bytes, chance: random.Random) -> bytes:
    """Words that are not zero become others of the core, text, or anything."""
    data = bytearray(whole)

    def any_word() -> int:
        # Most of a core is zero: an untouched page teaches nothing.
        for _ in range(1000):
            at = chance.randrange(HEADERS // 8, len(data) // 8) * 8
            if any(data[at : at + 8]):
                break
        return at

    for _ in range(WORDS):
        other = any_word()
        anything = struct.pack("<Q", chance.getrandbits(64))
        value = chance.choice([data[other : other + 8], anything, b"A" * 8])
        at = any_word()
        data[at : at + 8] = value
    return bytes(data)


def asked_everything(core: CoreFile, chance: random.Random) -> tuple[Allocator, ...]:
    """All that a heap can be asked, at addresses in and between its mappings."""
    heaps = find_heaps(core)
    reports = heaps.reports()
    for mapping in core.mappings:
        for address in (mapping.start, mapping.end, mapping.end - 1):
            heaps.place(address)
        for _ in range(50):
            address = chance.randrange(mapping.start, mapping.end)
            heaps.place(address)
            heaps.linked(address & ~7)
    for heap in heaps.heaps:
        for block in itertools.islice(heap.freed(), 2000):
            assert block.size > 0
    return reports
