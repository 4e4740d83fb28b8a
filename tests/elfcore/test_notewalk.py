"""Both note walks, C and Python, keep the same promises."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.elfcore import notewalk
from coresnap.elfcore.notewalk import NoteWalk, RawNote, walk_notes_python

Walk = Callable[..., NoteWalk]
WALKS = {"python": walk_notes_python, "native": notewalk.walk_notes}


@pytest.fixture(params=sorted(WALKS))
def walk(request: pytest.FixtureRequest) -> Walk:
    if request.param == "native" and notewalk.walk_notes is walk_notes_python:
        pytest.skip("coresnap._native is not built")
    return WALKS[request.param]


def pad(data: bytes, align: int) -> bytes:
    return data + bytes(-len(data) % align)


def note(
    name: bytes,
    note_type: int,
    description: bytes,
    *,
    align: int = 4,
    byte_order: str = "little",
) -> bytes:
    words = (len(name), len(description), note_type)
    header = struct.pack((">" if byte_order == "big" else "<") + "3I", *words)
    return pad(pad(header + name, align) + description, align)


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("align", [4, 8])
def test_every_note_is_found_in_both_byte_orders_and_paddings(
    walk: Walk, align: int, byte_order: str
) -> None:
    parts = [
        note(b"CORE\0", 1, b"12345", align=align, byte_order=byte_order),
        note(b"nobody knows me\0", 0xFFFFFFFF, b"", align=align, byte_order=byte_order),
        note(b"LINUX\0", 0x202, bytes(9), align=align, byte_order=byte_order),
    ]
    data = b"".join(parts)
    result = walk(data, align=align, byte_order=byte_order)
    assert not result.truncated
    assert [(found.name, found.type) for found in result.notes] == [
        (b"CORE", 1),
        (b"nobody knows me", 0xFFFFFFFF),
        (b"LINUX", 0x202),
    ]
    assert [b"12345", b"", bytes(9)] == [
        data[found.offset : found.offset + found.size] for found in result.notes
    ]


@pytest.mark.parametrize("align", [0, 1, 2, 4, 16, 4096, 1 << 40])
def test_every_alignment_but_eight_pads_to_four(walk: Walk, align: int) -> None:
    data = note(b"CORE\0", 1, b"x" * 5) + note(b"CORE\0", 2, b"y")
    result = walk(data, align=align, byte_order="little")
    assert [found.type for found in result.notes] == [1, 2]


def test_the_last_padding_may_be_missing(walk: Walk) -> None:
    data = note(b"CORE\0", 1, b"x" * 5).removesuffix(bytes(3))
    expected = NoteWalk((RawNote(b"CORE", 1, 20, 5),), truncated=False)
    assert expected == walk(data, align=4, byte_order="little")


def test_the_padding_before_an_empty_last_description_may_be_missing(
    walk: Walk,
) -> None:
    data = note(b"CORE\0", 1, b"")[:17]
    expected = NoteWalk((RawNote(b"CORE", 1, 17, 0),), truncated=False)
    assert expected == walk(data, align=4, byte_order="little")


def test_a_few_zero_bytes_at_the_end_are_padding(walk: Walk) -> None:
    data = note(b"CORE\0", 1, b"1234")
    assert not walk(data + bytes(11), align=4, byte_order="little").truncated
    assert walk(data + bytes(10) + b"x", align=4, byte_order="little").truncated


def test_no_data_is_no_notes(walk: Walk) -> None:
    assert NoteWalk((), truncated=False) == walk(b"", align=4, byte_order="little")


def test_a_cut_at_any_byte_keeps_the_notes_before_it(walk: Walk) -> None:
    first = note(b"CORE\0", 1, b"x" * 8)
    data = first + note(b"CORE\0", 2, b"y" * 8)
    for cut in range(len(first), len(data)):
        result = walk(memoryview(data)[:cut], align=4, byte_order="little")
        assert [found.type for found in result.notes] == [1]
        # Up to 11 zero bytes would be padding, but these begin with a size.
        assert (cut > len(first)) == result.truncated


def test_more_notes_than_one_batch_are_all_found(walk: Walk) -> None:
    data = b"".join(note(b"CORE\0", number, b"1234") for number in range(1000))
    result = walk(data, align=4, byte_order="little")
    assert list(range(1000)) == [found.type for found in result.notes]
    assert not result.truncated


def test_the_number_of_notes_is_bounded(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notewalk, "NOTE_LIMIT", 300)
    result = walk(bytes(12 * 301), align=4, byte_order="little")
    assert len(result.notes) == 300
    assert result.truncated
    assert not walk(bytes(12 * 300), align=4, byte_order="little").truncated


def test_huge_sizes_do_not_overflow(walk: Walk) -> None:
    data = struct.pack("<3I", 0xFFFFFFFF, 0xFFFFFFFF, 1) + bytes(64)
    assert NoteWalk((), truncated=True) == walk(data, align=8, byte_order="little")


NOTES = st.builds(
    note,
    name=st.binary(max_size=20),
    note_type=st.integers(0, 0xFFFFFFFF),
    description=st.binary(max_size=40),
)
STREAMS = st.one_of(st.binary(max_size=300), st.lists(NOTES, max_size=10).map(b"".join))


@pytest.mark.skipif(
    notewalk.walk_notes is walk_notes_python, reason="coresnap._native is not built"
)
@given(
    data=STREAMS,
    cut=st.integers(0, 300),
    align=st.sampled_from([4, 8]),
    byte_order=st.sampled_from(["little", "big"]),
)
def test_c_and_python_agree_on_anything(
    data: bytes, cut: int, align: int, byte_order: str
) -> None:
    piece = data[: max(0, len(data) - cut)]
    assert walk_notes_python(
        piece, align=align, byte_order=byte_order
    ) == notewalk.walk_notes(piece, align=align, byte_order=byte_order)
