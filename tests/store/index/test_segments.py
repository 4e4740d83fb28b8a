"""Segments as objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.errors import StorageError
from coresnap.store.fault import Fault
from coresnap.store.index.contract import Segment
from coresnap.store.index.segments import (
    decode_segment,
    encode_segment,
    segment_key,
    segment_number,
)

TEXTS = st.characters(codec="utf-8")
VALUES = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(TEXTS, max_size=20),
)
FAULTS = st.builds(
    Fault,
    object=st.text("0123456789abcdef", min_size=32, max_size=32),
    sequence=st.integers(1, 2**62),
    time=st.integers(0, 2**40),
    received=st.integers(0, 2**40),
    fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64),
    attributes=st.dictionaries(st.text(TEXTS, max_size=20), VALUES),
)


@given(st.lists(FAULTS, max_size=5), st.lists(st.text("abc", max_size=3), max_size=2))
def test_a_segment_is_had_back_as_it_was(
    faults: list[Fault], removed: list[str]
) -> None:
    segment = Segment(7, 3, tuple(faults), tuple(removed))
    assert decode_segment(encode_segment(segment), 7, 3) == segment


def a_segment() -> bytes:
    fault = Fault("a" * 32, 1, 2, 3, "b" * 64, {"hostname": "one", "n": 5, "f": 0.5})
    return encode_segment(Segment(7, 3, (fault,) * 20))


@pytest.mark.parametrize("place", [0, 9, 14, 25, 55, 80, -1])
def test_a_changed_byte_is_found(place: int) -> None:
    data = bytearray(a_segment())
    data[place] ^= 0x41
    with pytest.raises(StorageError, match="segment 3 of project 7"):
        decode_segment(bytes(data), 7, 3)


@pytest.mark.parametrize("size", [0, 8, 40, 60])
def test_a_cut_segment_is_found(size: int) -> None:
    with pytest.raises(StorageError, match="damaged"):
        decode_segment(a_segment()[:size], 7, 3)


@pytest.mark.parametrize(("project", "number"), [(7, 4), (8, 3)])
def test_a_segment_in_the_place_of_another_is_refused(
    project: int, number: int
) -> None:
    with pytest.raises(StorageError, match="says that it is 3 of 7"):
        decode_segment(a_segment(), project, number)


def test_keys_sort_as_numbers_do() -> None:
    keys = [segment_key(5, number) for number in (1, 9, 10, 99_999, 100_000)]
    assert sorted(keys) == keys
    assert [segment_number(key) for key in keys] == [1, 9, 10, 99_999, 100_000]


def test_what_is_no_number_is_no_segment() -> None:
    with pytest.raises(StorageError, match="no segment"):
        segment_number("5/segments/part")
