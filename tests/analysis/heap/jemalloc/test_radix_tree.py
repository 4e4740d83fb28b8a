from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.heap.jemalloc.extents import Extent
from coresnap.analysis.heap.jemalloc.heap import Discovery, JemallocHeap
from coresnap.analysis.heap.jemalloc.layouts import (
    FIELDS,
    GEOMETRIES,
    Fields,
    Geometry,
)
from coresnap.analysis.heap.jemalloc.radix_tree import RadixTree, find_tree
from coresnap.elfcore.memory import Memory
from heap.jemalloc.specimen import (
    DATA,
    DESCRIPTORS,
    PAGES,
    ROOT,
    TABLES,
    Piece,
    Specimen,
    write_heap,
)

PAGE = 1 << 16
"""Of the largest kind: extents of it fit every build."""
PIECES = (
    Piece(PAGES, PAGE, 32, free=(3, 100, 2047), arena=1),
    Piece(PAGES + PAGE, 2 * PAGE, 16384, arena=2),
    Piece(PAGES + 3 * PAGE, PAGE, state=1),
    Piece(PAGES + 4 * PAGE, 4 * PAGE, state=3),
    Piece(PAGES + 8 * PAGE, 3 * PAGE, 48, free=range(4096)),
)
SMALL = (
    Piece(PAGES, 4096, 8, free=(1, 511)),
    Piece(PAGES + 4096, 12288, 48, free=(0, 255)),
    Piece(PAGES + 16384, 20480, 16384),
    Piece(PAGES + 36864, 4096, state=1),
)


def pieces_of(geometry: Geometry) -> tuple[Piece, ...]:
    return SMALL if geometry.page == 12 else PIECES


def found_in(memory: Memory) -> RadixTree | None:
    spans = [(mapping.start, mapping.end) for mapping in memory.mappings]
    data = [span for span in spans if span[0] == DATA]
    return find_tree(memory, data, [span for span in spans if span[0] != DATA])


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: fields.version)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g.levels}, {g.page}")
def test_a_tree_of_every_version_and_build_is_found_and_read(
    geometry: Geometry, fields: Fields
) -> None:
    pieces = pieces_of(geometry)
    memory = write_heap(pieces, fields, geometry).memory()
    tree = found_in(memory)
    assert tree == RadixTree(ROOT, geometry, fields)
    walk = tree.walk(memory)
    assert walk.broken == []
    assert [facts_of(extent) for extent in walk.extents] == [
        (
            piece.address,
            piece.size,
            piece.state,
            piece.arena,
            piece.free is not None,
            piece.unit or piece.size,
            len(piece.free or ()),
            sum(1 << region for region in piece.free or ()),
        )
        for piece in pieces
    ]


def facts_of(extent: Extent) -> tuple[int, ...]:
    return (
        extent.start,
        extent.size,
        extent.state,
        extent.arena,
        extent.is_slab,
        extent.unit,
        extent.free,
        extent.bitmap,
    )


def heap_in(memory: Memory) -> JemallocHeap | None:
    tree = found_in(memory)
    if tree is None:
        return None
    return JemallocHeap(Discovery(memory, tree, "5", "structure", (), frozenset()))


def specimen() -> Specimen:
    return write_heap(SMALL, FIELDS[0], GEOMETRIES[0])


def test_memory_without_a_tree_has_none() -> None:
    empty = specimen()
    empty.put(ROOT, bytes(8 << 18))
    assert found_in(empty.memory()) is None


def test_an_entry_that_leads_to_another_page_is_no_proof() -> None:
    moved = write_heap(SMALL[:1], FIELDS[0], GEOMETRIES[0])
    moved.put(DESCRIPTORS + 8, struct.pack("<Q", PAGES + 4096))
    assert found_in(moved.memory()) is None


def test_a_descriptor_that_was_overwritten_is_damage() -> None:
    broken = specimen()
    broken.put(DESCRIPTORS + 3 * 256, b"A" * 24)
    heap = heap_in(broken.memory())
    assert heap is not None
    (damage,) = heap.report().damage
    assert (damage.address, damage.kind) == (DESCRIPTORS + 3 * 256, "header")
    assert damage.data == b"A" * 24


def test_a_slab_that_counts_wrongly_is_damage() -> None:
    pieces = (Piece(PAGES, 4096, 8, free=(1, 2), count=3),)
    heap = heap_in(write_heap(pieces, FIELDS[0], GEOMETRIES[0]).memory())
    assert heap is not None
    (damage,) = heap.report().damage
    assert damage.kind == "count"
    assert "counts 3 free regions of 8 bytes, its bitmap 2" in damage.what


def test_regions_above_those_in_use_were_used_only_if_they_are_not_zero() -> None:
    pieces = (Piece(PAGES, 4096, 16, free=(1, *range(5, 256))),)
    written = write_heap(pieces, FIELDS[0], GEOMETRIES[0])
    written.put(PAGES + 6 * 16, b"x")
    heap = heap_in(written.memory())
    assert heap is not None
    states = {}
    for region in (0, 1, 4, 5, 6, 7, 255):
        found = heap.place(PAGES + region * 16 + 3)
        assert found is not None
        states[region] = found.block.state
    assert states == {
        0: "live",
        1: "free",
        4: "live",
        5: "free",
        6: "free",
        7: "top",
        255: "top",
    }


def test_a_core_without_the_last_tables_has_no_heap() -> None:
    assert found_in(specimen().memory({TABLES & -4096: 4096})) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ROOT + 8 * 0x1FC, TABLES, DESCRIPTORS]),
            st.integers(0, 1000),
            st.binary(min_size=1, max_size=16),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_hostile_bytes_never_raise(changes: list[tuple[int, int, bytes]]) -> None:
    hostile = specimen()
    for start, offset, data in changes:
        hostile.put(start + offset, data)
    heap = heap_in(hostile.memory())
    if heap is not None:
        heap.report()
        for address in range(PAGES, PAGES + 40960, 999):
            heap.place(address)
