"""One pass over memory, within its budget."""

from __future__ import annotations

import struct

from coresnap.analysis.aliases.regions import Region
from coresnap.analysis.aliases.spans import TargetMap
from coresnap.analysis.aliases.targets import Target
from coresnap.analysis.aliases.word_search import Word, search_words
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory

HEAP = 0x5000_0000
TARGETS = TargetMap([Target(HEAP, HEAP + 64, "", "", HEAP)])


def memory(*parts: tuple[int, bytes]) -> Memory:
    data, loads = b"", []
    for address, held in parts:
        loads.append(
            ProgramHeader(1, 6, len(data), address, len(held), len(held), 4096)
        )
        data += held
    return Memory(memoryview(data), loads, 8, "little")


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def test_words_are_found_in_the_order_of_the_regions() -> None:
    one = memory((0x1000, words(0, HEAP)), (0x2000, words(HEAP + 8, HEAP + 64)))
    regions = (Region(0x2000, 0x3000), Region(0x1000, 0x2000))
    found = search_words(one, regions, TARGETS, 1 << 20)
    assert found.words == (Word(0x2000, HEAP + 8), Word(0x1008, HEAP))
    assert (found.common, found.unread, found.more) == (0, 0, False)


def test_what_the_budget_leaves_out_is_counted() -> None:
    one = memory((0x1000, words(HEAP, HEAP, HEAP, HEAP)), (0x2000, words(HEAP)))
    regions = (Region(0x1000, 0x2000), Region(0x2000, 0x3000))
    found = search_words(one, regions, TARGETS, 16)
    assert found.words == (Word(0x1000, HEAP), Word(0x1008, HEAP))
    assert found.unread == 24


def test_words_are_aligned_in_memory_and_not_in_the_file() -> None:
    one = memory((0x1004, b"\xff" * 4 + words(HEAP)))
    found = search_words(one, [Region(0x1000, 0x2000)], TARGETS, 1 << 20)
    assert found.words == (Word(0x1008, HEAP),)


def test_words_have_the_size_and_order_of_the_machine() -> None:
    data = struct.pack(">4I", 0, HEAP + 4, 1, HEAP)
    load = ProgramHeader(1, 6, 0, 0x1000, len(data), len(data), 4096)
    one = Memory(memoryview(data), [load], 4, "big")
    found = search_words(one, [Region(0x1000, 0x2000)], TARGETS, 1 << 20)
    assert found.words == (Word(0x1004, HEAP + 4), Word(0x100C, HEAP))


def test_a_value_that_many_have_is_left_out_and_counted() -> None:
    one = memory((0x1000, words(*[HEAP + 8] * 1001, HEAP + 16)))
    found = search_words(one, [Region(0x1000, 0x9000)], TARGETS, 1 << 20)
    assert [word.value for word in found.words] == [HEAP + 16]
    assert found.common == 1001


def test_a_flood_of_pointers_ends_the_search() -> None:
    flood = words(*(HEAP + index % 64 for index in range(100_000)))
    found = search_words(
        memory((0x10000, flood)), [Region(0x10000, 0x1000000)], TARGETS, 1 << 30
    )
    assert found.more
    assert len(found.words) == 8192


def test_without_memory_nothing_is_found() -> None:
    assert search_words(memory(), [Region(0, 1 << 47)], TARGETS, 1 << 20).words == ()
