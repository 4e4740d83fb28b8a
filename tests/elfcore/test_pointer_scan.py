"""Both pointer scans, C and Python, keep the same promises."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.elfcore import pointer_scan
from coresnap.elfcore.pointer_scan import SPAN_LIMIT, Match, scan_pointers_python

Scan = Callable[..., list[Match]]
SCANS = {"python": scan_pointers_python, "native": pointer_scan.scan_pointers}
NOT_BUILT = "coresnap._native is not built"
TOP = (1 << 64) - 1
HEAP, STACK = 0x5555_5555_9000, 0x7FFF_FFFF_E000


@pytest.fixture(params=sorted(SCANS))
def scan(request: pytest.FixtureRequest) -> Scan:
    if request.param == "native" and pointer_scan.scan_pointers is scan_pointers_python:
        pytest.skip(NOT_BUILT)
    return SCANS[request.param]


def words(*values: int, size: int = 8, byte_order: str = "little") -> bytes:
    order = ">" if byte_order == "big" else "<"
    return struct.pack(f"{order}{len(values)}{'Q' if size == 8 else 'I'}", *values)


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("size", [4, 8])
def test_a_span_holds_its_first_address_and_not_its_end(
    scan: Scan, size: int, byte_order: str
) -> None:
    start, end = 0x8049000, 0x8049030
    values = (start - 1, start, end - 1, end, 0)
    found = scan(
        words(*values, size=size, byte_order=byte_order),
        [(start, end)],
        pointer_size=size,
        byte_order=byte_order,
        limit=9,
    )
    assert found == [(size, start), (2 * size, end - 1)]


@pytest.mark.parametrize("before", [0, 1, 31, 32, 33, 64, 500])
def test_a_pointer_is_found_wherever_it_stands(scan: Scan, before: int) -> None:
    data = words(*[0] * before, HEAP + 8) + b"\xff" * 7
    spans = [(HEAP, HEAP + 64), (STACK, STACK + 8)]
    found = scan(data, spans, pointer_size=8, byte_order="little", limit=9)
    assert found == [(8 * before, HEAP + 8)]


def test_words_between_the_spans_are_none(scan: Scan) -> None:
    data = words(*range(HEAP, STACK, (STACK - HEAP) // 999), HEAP, STACK)
    spans = [(HEAP + 1, HEAP + 2), (STACK, STACK + 1)]
    found = scan(data, spans, pointer_size=8, byte_order="little", limit=9)
    assert [value for _, value in found] == [STACK]


def test_a_word_that_is_not_aligned_is_no_pointer(scan: Scan) -> None:
    data = b"\0" * 4 + words(HEAP) + b"\0" * 4
    found = scan(data, [(HEAP, HEAP + 1)], pointer_size=8, byte_order="little", limit=9)
    assert found == []


def test_no_more_matches_than_asked_for(scan: Scan) -> None:
    data = words(*[HEAP] * 5000)
    for limit in (0, 1, 1024, 1025, 3000):
        found = scan(
            data, [(HEAP, HEAP + 1)], pointer_size=8, byte_order="little", limit=limit
        )
        assert found == [(8 * index, HEAP) for index in range(limit)]


def test_the_whole_address_space_is_a_span(scan: Scan) -> None:
    found = scan(
        words(0, 1, TOP - 1, TOP),
        [(0, TOP)],
        pointer_size=8,
        byte_order="little",
        limit=9,
    )
    assert [value for _, value in found] == [0, 1, TOP - 1]


@pytest.mark.parametrize(
    "spans",
    [[], [(5, 5)], [(5, 4)], [(8, 9), (1, 2)], [(1, 3), (2, 4)], [(1, 2)] * 2],
)
def test_spans_that_are_in_disorder_are_refused(
    scan: Scan, spans: list[tuple[int, int]]
) -> None:
    with pytest.raises(ValueError, match="spans"):
        scan(bytes(64), spans, pointer_size=8, byte_order="little", limit=9)


def test_too_many_spans_are_refused(scan: Scan) -> None:
    spans = [(2 * index, 2 * index + 1) for index in range(SPAN_LIMIT + 1)]
    with pytest.raises(ValueError, match="spans"):
        scan(bytes(64), spans, pointer_size=8, byte_order="little", limit=9)
    found = scan(words(4, 5), spans[:-1], pointer_size=8, byte_order="little", limit=9)
    assert found == [(0, 4)]


DATA = st.binary(max_size=900) | st.lists(st.integers(0, 400)).map(lambda v: words(*v))
EDGES = st.lists(st.integers(0, 400) | st.integers(0, TOP), max_size=12, unique=True)


@pytest.mark.skipif(
    pointer_scan.scan_pointers is scan_pointers_python, reason=NOT_BUILT
)
@given(
    edges=EDGES,
    data=DATA,
    size=st.sampled_from([4, 8]),
    byte_order=st.sampled_from(["little", "big"]),
    limit=st.integers(0, 80),
)
def test_both_find_the_same(
    edges: list[int], data: bytes, size: int, byte_order: str, limit: int
) -> None:
    edges.sort()
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    if not spans:
        return
    one, other = (
        scan(data, spans, pointer_size=size, byte_order=byte_order, limit=limit)
        for scan in (scan_pointers_python, pointer_scan.scan_pointers)
    )
    assert one == other
