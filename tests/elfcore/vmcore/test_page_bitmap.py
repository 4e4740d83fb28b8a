"""Numbers of pages are numbers of bits before, whatever the ranges."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from coresnap.elfcore.vmcore.page_bitmap import PageBitmap, dump_ranges

PAGE = 4096


@given(
    numbers=st.sets(st.integers(0, 40_000), max_size=200),
    asked=st.lists(st.integers(0, 45_000), max_size=50),
)
def test_numbers_count_the_bits_before(numbers: set[int], asked: list[int]) -> None:
    bits = sum(1 << number for number in numbers).to_bytes(5008, "little")
    bitmap = PageBitmap(memoryview(bits), PAGE)
    order = sorted(numbers)
    assert bitmap.count == len(order)
    for number in [*asked, *order]:
        expected = order.index(number) if number in numbers else None
        assert bitmap.number(number * PAGE + 17) == expected


def test_ranges_leave_out_what_no_bit_counts() -> None:
    ranges = [(0x1000, 0x9000), (0x100_0000, 0x200_0000)]
    bitmap = PageBitmap(memoryview(bytes([0b1000_0001, 0b1])), PAGE, ranges)
    assert bitmap.number(0x1000) == 0
    assert bitmap.number(0x8FFF) == 1
    assert bitmap.number(0x100_0000) == 2
    assert bitmap.number(0x9000) is None
    assert bitmap.number(0x100_1000) is None
    assert bitmap.number(0x500_0000) is None


def test_dump_avail_ends_with_zeros() -> None:
    data = struct.pack("<8Q", 0x1800, 0x9001, 0x20_0000, 0x30_0000, 0, 0, 1, 0x5000)
    assert dump_ranges(data, PAGE) == [(0x1000, 0xA000), (0x20_0000, 0x30_0000)]


def test_hostile_dump_avail_is_bounded() -> None:
    data = struct.pack("<2Q", 5, 4) * 8 + struct.pack("<2Q", 0, 1 << 63) * 5000
    assert len(dump_ranges(data, PAGE)) == 512
    nothing = struct.pack("<2Q", 5, 4) * 4096 + struct.pack("<2Q", 0, 1 << 20)
    assert dump_ranges(nothing, PAGE) == []


def test_a_large_bitmap_has_larger_blocks() -> None:
    bits = bytearray(40 << 20)
    for byte in (0, 5, 639, 640, 641, len(bits) - 1):
        bits[byte] = 0x80
    bitmap = PageBitmap(memoryview(bits), PAGE)
    assert bitmap.count == 6
    numbers = [bitmap.number((byte * 8 + 7) * PAGE) for byte in (5, 639, 640, 641)]
    assert numbers == [1, 2, 3, 4]
    assert bitmap.number((len(bits) * 8 - 1) * PAGE) == 5
