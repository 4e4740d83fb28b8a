from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.heap.jemalloc.thread_caches import (
    CachedRegions,
    read_cache,
    search_caches,
)
from coresnap.elfcore.memory import Memory
from heap.jemalloc.specimen import Specimen

STACKS = 0x7F0000001008
ROOM = 20
"""Items of each bin's stack."""
CACHED = [
    [0x1000 * (bin + 1) + 8 * item for item in range(bin % 4)] for bin in range(41)
]
"""The newest first."""
SMALL = 36


def stacks(cached: Sequence[Sequence[int]]) -> Memory:
    return stacks_of(cached).memory()


def stacks_of(cached: Sequence[Sequence[int]]) -> Specimen:
    """Their memory: what is below the newest item of a bin is old and means nothing."""
    specimen = Specimen({STACKS & -4096: bytearray(0x4000)})
    for number, items in enumerate(cached):
        stack = [0xDEAD] * (ROOM - len(items)) + list(items)
        specimen.put(STACKS + 8 * ROOM * number, struct.pack(f"<{ROOM}Q", *stack))
    return specimen


def bins_of_5_3(cached: Sequence[Sequence[int]]) -> bytes:
    data = b""
    for number, items in enumerate(cached):
        start = STACKS + 8 * ROOM * number
        end = start + 8 * ROOM
        newest = end - 8 * len(items)
        low = [address & 0xFFFF for address in (newest, start, end)]
        data += struct.pack("<QQHHH2x", newest, 77, *low)
    return data


def bins_before(cached: Sequence[Sequence[int]]) -> bytes:
    """Those of large classes stand apart."""
    bins = [
        struct.pack("<iiQQ", -1, len(items), 77, STACKS + 8 * ROOM * (number + 1))
        for number, items in enumerate(cached)
    ]
    between = struct.pack("<10Q", 0x7F0000000000, 0x7F0000000001, *range(8))
    return b"".join([*bins[:SMALL], between, *bins[SMALL:]])


@pytest.mark.parametrize("is_5_3", [True, False], ids=["5.3", "before"])
def test_every_bin_is_read_from_its_newest_item_on(is_5_3: bool) -> None:
    bins = bins_of_5_3(CACHED) if is_5_3 else bins_before(CACHED)
    local = bytes(range(56)) + bins + bytes(2000)
    found = read_cache(stacks(CACHED), 7, local, is_5_3=is_5_3)
    assert [(one.tid, one.size_class, list(one.addresses)) for one in found] == [
        (7, number, items) for number, items in enumerate(CACHED) if items
    ]


def test_an_item_is_found_in_its_slot() -> None:
    (found,) = read_cache(
        stacks([[]] * 5 + [[0x10, 0x20]] + [[]] * 30),
        7,
        bins_of_5_3([[]] * 5 + [[0x10, 0x20]] + [[]] * 30),
        is_5_3=True,
    )
    assert found == CachedRegions(7, 5, STACKS + 8 * (6 * ROOM - 2), (0x10, 0x20))


@pytest.mark.parametrize("is_5_3", [True, False], ids=["5.3", "before"])
def test_a_thread_that_allocated_nothing_has_no_cache(is_5_3: bool) -> None:
    assert read_cache(stacks(CACHED), 7, bytes(5000), is_5_3=is_5_3) == ()


def test_bins_whose_stacks_do_not_adjoin_are_none() -> None:
    bins = bytearray(bins_of_5_3(CACHED))
    for number in range(0, len(CACHED), 10):
        bins[24 * number + 18 : 24 * number + 20] = b"\0\0"
    assert read_cache(stacks(CACHED), 7, bytes(bins), is_5_3=True) == ()


LOCALS = 0x555555600000


@pytest.mark.parametrize("is_5_3", [True, False], ids=["5.3", "before"])
def test_a_cache_is_found_wherever_it_is(is_5_3: bool) -> None:
    bins = bins_of_5_3(CACHED) if is_5_3 else bins_before(CACHED)
    specimen = stacks_of(CACHED)
    specimen.segments[LOCALS] = bytearray(0x4000)
    specimen.put(LOCALS + 0x1238, bins)
    found = search_caches(
        specimen.memory(),
        [(LOCALS, LOCALS + 0x4000)],
        [(STACKS & -4096, STACKS + 0x3000)],
        is_5_3=is_5_3,
    )
    assert [(one.tid, one.size_class, list(one.addresses)) for one in found] == [
        (None, number, items) for number, items in enumerate(CACHED) if items
    ]


@given(st.binary(max_size=1500), st.booleans())
def test_hostile_bytes_never_raise(data: bytes, is_5_3: bool) -> None:
    read_cache(stacks(CACHED), 7, data, is_5_3=is_5_3)
