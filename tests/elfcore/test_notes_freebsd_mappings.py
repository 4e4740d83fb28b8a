"""Mappings of written notes: packed or not, of each release, damaged."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import freebsd_corewriter as w
from coresnap.elfcore.notes_freebsd_mappings import read_mappings


def description(entries: list[bytes], padding: int = 0) -> memoryview:
    """The note's description, with its leading int."""
    return memoryview(struct.pack("<i", 1160) + b"".join(entries) + bytes(padding))


def entry(fields: w.Fields, path: bytes = b"", *, packed: bool = True) -> bytes:
    return w.packed_record(1160, fields, path, 136, packed=packed)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("newer", [True, False], ids=["from 12", "up to 11"])
def test_every_field_is_read(packed: bool, newer: bool) -> None:
    fields: w.Fields = {
        4: ("i", 2),
        8: ("Q", 0x2000),
        16: ("Q", 0x5000),
        24: ("Q", 0x1000),
        32: ("Q", 0x1111111111111111),
        40: ("I", 0x22222222),
        44: ("i", 0x1 | 0x2 | 0x20 | 0x40),
        48: ("i", 3),
        52: ("i", 2),
        56: ("i", 5),
        60: ("i", 9),
        64: ("i", 8),
        68: ("i", 1),
        72: ("Q", 0x3333333333333333),
        80: ("I", 0x44444444),
    }
    if newer:
        devices: w.Fields = {88: ("Q", 5 << 60), 96: ("Q", 6 << 60)}
        fields = {**fields, **devices}
    problems: list[str] = []
    data = description([entry(fields, b"/lib/a", packed=packed)], padding=16)
    (found,) = read_mappings(data, problems)
    assert problems == []
    assert (found.start, found.end, found.offset) == (0x2000, 0x5000, 0x1000)
    assert (found.permissions, found.kind, found.path) == ("r-x", "vnode", b"/lib/a")
    assert found.flags == ("copy-on-write", "needs-copy", "grows-down", "wired")
    assert (found.resident, found.private_resident) == (3, 2)
    assert (found.references, found.shadows) == (9, 8)
    assert found.file_size == 0x3333333333333333


def test_only_a_regular_file_has_a_size() -> None:
    fields: w.Fields = {8: ("Q", 0x2000), 16: ("Q", 0x5000), 72: ("Q", 7)}
    (found,) = read_mappings(description([entry(fields)]), [])
    assert found.file_size is None


def test_mappings_come_by_address_and_empty_ones_not_at_all() -> None:
    entries = [
        w.vm_entry(0x9000, 0xA000),
        w.vm_entry(0x3000, 0x3000),
        w.vm_entry(0x5000, 0x4000),
        w.vm_entry(0x1000, 0x2000),
    ]
    found = read_mappings(description(entries), [])
    assert [m.start for m in found] == [0x1000, 0x9000]


def test_the_offset_of_no_file_is_not_a_negative_number() -> None:
    (found,) = read_mappings(description([w.vm_entry(1, 2, offset=(1 << 64) - 1)]), [])
    assert found.offset == (1 << 63) - 1


@pytest.mark.parametrize("size", [1, 135, -1, -(1 << 31), (1 << 31) - 1])
def test_a_size_that_lies_ends_the_mappings_with_a_problem(size: int) -> None:
    good = w.vm_entry(0x1000, 0x2000)
    bad = struct.pack("<i", size) + good[4:]
    problems: list[str] = []
    assert len(read_mappings(description([good, bad]), problems)) == 1
    assert problems == ["the note of mappings is cut or damaged after 1"]


def test_a_note_cut_anywhere_gives_the_mappings_before() -> None:
    one = w.vm_entry(0x1000, 0x2000, path=b"/a/file")
    whole = description([one, one])
    for size in range(len(whole)):
        assert len(read_mappings(whole[:size], [])) == max(0, size - 4) // len(one)


@given(st.binary(max_size=1500))
def test_no_bytes_raise(data: bytes) -> None:
    read_mappings(memoryview(data), [])
    read_mappings(memoryview(bytes(4) + struct.pack("<i", 144) + data), [])
