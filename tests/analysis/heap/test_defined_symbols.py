from __future__ import annotations

import struct

from coresnap.analysis.heap.defined_symbols import defined_symbols
from coresnap.elfcore.elffile import SymbolEntries

STRINGS = b"\0je_extents_rtree\0used_only\0mallctl\0"


def entry(name: bytes, section: int, value: int, size: int) -> bytes:
    offset = STRINGS.index(name + b"\0")
    return struct.pack("<IBBHQQ", offset, 1, 0, section, value, size)


TABLE = SymbolEntries(
    memoryview(
        bytes(24)
        + entry(b"used_only", 0, 0, 0)
        + entry(b"je_extents_rtree", 9, 0x5000, 0x40070)
        + entry(b"mallctl", 3, 0x1234, 80)
        + b"cut"
    ),
    memoryview(STRINGS),
    False,
)


def test_a_defined_name_has_its_address_and_size() -> None:
    assert list(defined_symbols(TABLE, [b"mallctl"])) == [(0x1234, 80)]
    assert list(defined_symbols(TABLE, [b"nobody", b"je_extents_rtree"])) == [
        (0x5000, 0x40070)
    ]


def test_what_is_only_used_is_left_out() -> None:
    assert list(defined_symbols(TABLE, [b"used_only"])) == []


def test_the_end_of_a_longer_name_is_none() -> None:
    assert list(defined_symbols(TABLE, [b"extents_rtree"])) == []
