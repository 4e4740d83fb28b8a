from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.errors import MemoryReadError, SnapshotFormatError
from coresnap.model import MemoryRange
from coresnap.snapshot.memory import (
    BLOCK_SIZE,
    Extent,
    MemoryIndex,
    MemoryReader,
    StoredBlock,
    pack_memory,
)


def reader(ranges: tuple[MemoryRange, ...]) -> MemoryReader:
    index, data = pack_memory(ranges)
    return MemoryReader(index, len(data), lambda at, size: data[at : at + size])


RANGES = (
    MemoryRange(0x1000, bytes(range(256)) * 1000),
    MemoryRange(0x9_0000, b"middle"),
    MemoryRange(0xFFFF_FFFF_FFFF_F000, b"top" * 1365 + b"!"),
)


def test_all_ranges_come_back_in_order() -> None:
    assert tuple(reader(RANGES).ranges()) == RANGES


@settings(deadline=None)
@given(st.integers(0, 255_999), st.integers(0, 200_000))
def test_a_read_gives_the_bytes_at_the_address(offset: int, size: int) -> None:
    data = RANGES[0].data[offset : offset + size]

    assert reader(RANGES).read(0x1000 + offset, len(data)) == data


@pytest.mark.parametrize(
    ("address", "size"),
    [(0, 1), (0xFFF, 2), (0x9_0000, 7), (0x9_0006, 1), (1 << 70, 1)],
)
def test_a_read_outside_a_range_says_where_it_failed(address: int, size: int) -> None:
    with pytest.raises(MemoryReadError) as caught:
        reader(RANGES).read(address, size)

    assert caught.value.address == address


def test_a_read_fetches_only_the_blocks_that_it_needs() -> None:
    index, data = pack_memory(RANGES)
    fetched = []

    def fetch(offset: int, size: int) -> bytes:
        fetched.append(offset)
        return data[offset : offset + size]

    memory = MemoryReader(index, len(data), fetch)
    memory.read(0x1000 + BLOCK_SIZE, 16)
    memory.read(0x1000 + BLOCK_SIZE + 16, 16)

    assert fetched == [index.blocks[0].stored_size]


GOOD = MemoryIndex(16, (Extent(0x1000, 20),), (StoredBlock(5, 0), StoredBlock(5, 0)))


@pytest.mark.parametrize(
    "changes",
    [
        {"block_size": 0},
        {"block_size": -16},
        {"block_size": 1 << 30},
        {"blocks": (StoredBlock(10, 0),)},
        {"blocks": (StoredBlock(5, 0), StoredBlock(6, 0))},
        {"blocks": (StoredBlock(-5, 0), StoredBlock(15, 0))},
        {"ranges": (Extent(0x1000, 20), Extent(0x1010, 1))},
        {"ranges": (Extent(0x1000, 20), Extent(0x900, 1))},
        {"ranges": (Extent(0x1000, -20),)},
        {"ranges": (Extent(-1, 20),)},
        {"ranges": (Extent(0x1000, 1 << 62),)},
    ],
)
def test_an_index_that_contradicts_itself_is_refused(
    changes: dict[str, object],
) -> None:
    MemoryReader(GOOD, 10, lambda at, size: b"")
    bad = msgspec.structs.replace(GOOD, **changes)

    with pytest.raises(SnapshotFormatError, match="index"):
        MemoryReader(bad, 10, lambda at, size: b"")
