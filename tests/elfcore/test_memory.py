"""Memory: what the core stored, and never a zero that it did not."""

from __future__ import annotations

import struct
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError
from coresnap.model import Mapping

DATA = bytes(range(256)) * 64


def load(
    address: int, offset: int, size: int, memory: int | None = None
) -> ProgramHeader:
    return ProgramHeader(1, 6, offset, address, size, memory or size, 4096)


def memory_of(
    *loads: ProgramHeader,
    data: bytes = DATA,
    size: int = 8,
    order: Literal["little", "big"] = "little",
) -> Memory:
    return Memory(memoryview(data), loads, size, order)


def test_adjacent_segments_are_read_as_one() -> None:
    memory = memory_of(load(0x1000, 0, 16), load(0x1010, 64, 16))
    assert memory.read(0x1008, 16) == DATA[8:16] + DATA[64:72]
    assert memory.read_word(0x100C) == int.from_bytes(
        DATA[12:16] + DATA[64:68], "little"
    )


def test_views_are_of_stored_bytes_between_two_addresses() -> None:
    memory = memory_of(load(0x1000, 0, 16), load(0x1010, 64, 16), load(0x3000, 32, 8))
    memory.use_files([(0x2000, 0x2010, memoryview(DATA), 0)])
    views = [(at, bytes(view)) for at, view in memory.stored_views(0x1008, 0x3004)]
    assert views == [
        (0x1008, DATA[8:16]),
        (0x1010, DATA[64:80]),
        (0x3000, DATA[32:36]),
    ]
    assert list(memory.stored_views(0x1020, 0x3000)) == []
    assert list(memory.stored_views(0x4000, 0x5000)) == []


def test_reading_past_the_end_names_the_first_missing_byte() -> None:
    memory = memory_of(load(0x1000, 0, 16))
    with pytest.raises(MemoryReadError) as caught:
        memory.read(0x100C, 20)
    assert caught.value.address == 0x1010
    assert memory.read_some(0x100C, 20) == DATA[12:16]
    assert memory.read_some(0x2000, 20) == b""


def test_what_was_left_out_is_missing_and_not_zero() -> None:
    memory = memory_of(load(0x1000, 0, 16, memory=4096))
    with pytest.raises(MemoryReadError):
        memory.read(0x1010, 1)
    with pytest.raises(MemoryReadError):
        memory.read_word(0x100C)


def test_a_cut_core_keeps_what_is_there() -> None:
    memory = memory_of(load(0x1000, 8, 4096), data=DATA[:24])
    assert memory.read_some(0x1000, 4096) == DATA[8:24]


def test_files_stand_in_only_where_nothing_is_stored() -> None:
    memory = memory_of(load(0x1008, 0, 8))
    memory.use_files([(0x1000, 0x1020, memoryview(b"f" * 32), 0)])
    assert memory.read(0x1000, 32) == b"f" * 8 + DATA[:8] + b"f" * 16


def test_overlapping_segments_do_not_confuse_the_search() -> None:
    memory = memory_of(load(0x1000, 0, 64), load(0x1000, 64, 32), load(0x1020, 96, 64))
    assert memory.read(0x1000, 96) == DATA[64:96] + DATA[32:64] + DATA[128:160]


def test_a_segment_that_wraps_round_the_address_space_is_cut() -> None:
    memory = memory_of(load(2**64 - 8, 0, 64))
    assert memory.read_some(2**64 - 8, 64) == DATA[:8]
    assert memory.read_word(2**64 - 8) == struct.unpack("<Q", DATA[:8])[0]


def test_words_have_the_size_and_order_of_the_machine() -> None:
    segment = load(0x1000, 0, 16)
    assert memory_of(segment, size=4, order="big").read_word(0x1001) == 0x01020304
    assert memory_of(segment, size=4).read_word(0x1001) == 0x04030201
    assert memory_of(segment, order="big").read_word(0x1000) == 0x0001020304050607


def test_strings_end_at_nul_limit_or_the_end_of_memory() -> None:
    text = b"name\0" + b"x" * 700
    memory = memory_of(load(0x1000, 0, len(text)), data=text)
    assert memory.read_string(0x1000, 100) == b"name"
    assert memory.read_string(0x1000, 3) == b"nam"
    assert memory.read_string(0x1005, 600) == b"x" * 600
    assert memory.read_string(0x1005, 9999) == b"x" * 700
    assert memory.read_string(0x1004, 9) == b""
    assert memory.read_string(0x9000, 9) is None


def test_a_mapping_is_found_by_every_byte_of_it() -> None:
    low, high = Mapping(0x1000, 0x2000, "r--"), Mapping(0x2000, 0x3000, "rw-")
    memory = Memory(memoryview(b""), [], 8, "little", [high, low])
    assert memory.find_mapping(0x1000) == memory.find_mapping(0x1FFF) == low
    assert memory.find_mapping(0x2000) == high
    assert memory.find_mapping(0xFFF) is None
    assert memory.find_mapping(0x3000) is None


def test_nothing_can_be_read_after_release() -> None:
    memory = memory_of(load(0x1000, 0, 16))
    memory.read_word(0x1000)
    memory.release()
    with pytest.raises(MemoryReadError):
        memory.read_word(0x1000)


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 64)),
        max_size=6,
    ),
    st.integers(0, 400),
    st.integers(0, 400),
)
def test_reads_equal_a_byte_by_byte_model(
    pieces: list[tuple[int, int, int]], address: int, size: int
) -> None:
    memory = memory_of(*(load(start, offset, n) for start, offset, n in pieces))
    model: dict[int, int] = {}
    end = 0
    spans = [(start, start + count, offset) for start, offset, count in pieces]
    for start, last, offset in sorted(spans, key=lambda span: span[:2]):
        for at in range(max(start, end), last):
            model[at] = DATA[offset + at - start]
        end = max(end, last)
    expected = bytearray()
    for at in range(address, address + size):
        if at not in model:
            break
        expected.append(model[at])
    assert memory.read_some(address, size) == bytes(expected)


# --- gaps ---------------------------------------------------------------------


def test_pieces_are_what_is_there_in_order_whatever_lies_between() -> None:
    memory = memory_of(load(0x1000, 0, 16), load(0x1020, 64, 16), load(0x5000, 32, 8))
    memory.use_files([(0x1000, 0x1030, memoryview(b"f" * 0x30), 0)])

    assert list(memory.read_pieces(0x0800, 0x6000)) == [
        (0x1000, DATA[:16] + b"f" * 16 + DATA[64:80]),
        (0x5000, DATA[32:40]),
    ]
    assert list(memory.read_pieces(0x1008, 0x100C)) == [(0x1008, DATA[8:12])]
    assert list(memory.read_pieces(0x2000, 0x5000)) == []
    assert list(memory.read_pieces(0x9000, 0xA000)) == []


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(-4, 40)), max_size=6),
    st.integers(0, 300),
    st.integers(0, 400),
)
def test_remnants_of_files_are_left_out_of_searches_alone(
    remnants: list[tuple[int, int]], start: int, size: int
) -> None:
    memory = memory_of(load(20, 0, 90), load(150, 200, 100))
    memory.skip_remnants((at, at + count) for at, count in remnants)
    left_out = {at for place, n in remnants for at in range(place, place + n)}
    expected = [
        at
        for at in (*range(20, 110), *range(150, 250))
        if start <= at < start + size and at not in left_out
    ]
    end = start + size
    views = memory.stored_views(start, end)
    assert [at for a, view in views for at in range(a, a + len(view))] == expected
    pieces = memory.read_pieces(start, end)
    assert [at for a, data in pieces for at in range(a, a + len(data))] == expected
    assert memory.read(20, 90) == DATA[:90]


@pytest.mark.parametrize("order", ["little", "big"])
def test_words_are_read_with_their_addresses_up_to_the_first_gap(
    order: Literal["little", "big"],
) -> None:
    memory = memory_of(load(0x1000, 0, 20), size=8, order=order)
    assert list(memory.read_words(0x1000, 64)) == [
        (0x1000, int.from_bytes(DATA[0:8], order)),
        (0x1008, int.from_bytes(DATA[8:16], order)),
    ]
    assert list(memory.read_words(0x2000, 64)) == []
