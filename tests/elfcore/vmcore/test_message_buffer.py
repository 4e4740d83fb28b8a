"""The ring is told from its oldest byte to its newest."""

from __future__ import annotations

import pytest

import vmcorewriter as writer
from coresnap.elfcore.vmcore.message_buffer import find_ring, text_of, written_behind

SIZE = 4096 - 72
"""As of a ring whose struct msgbuf ends its page."""


def test_a_ring_that_is_not_full_ends_at_its_zeros() -> None:
    assert text_of(b"<118>boot\n<2>panic\n" + bytes(100)) == "boot\npanic\n"


def test_a_sequence_number_says_where_it_begins() -> None:
    assert text_of(b"new\nold\n", written=8 * 7 + 4) == "old\nnew\n"


def test_a_full_ring_begins_behind_the_last_words_of_the_kernel() -> None:
    ring = b"n trap 9\nDumping 74 out of 450 MB:oldest\nlater\npan"
    assert text_of(ring) == "oldest\nlater\npann trap 9\nDumping 74 out of 450 MB:"


def test_an_earlier_dump_in_the_ring_is_not_its_end() -> None:
    ring = b"b\nDumping 9 out of 45 MB:old\nDumping 7 out of 45 MB:..5%..100%\na\n"
    assert text_of(ring).endswith("a\nb\nDumping 9 out of 45 MB:")


def test_bytes_that_are_no_text_are_shown() -> None:
    assert text_of(b"a\xffb\0") == "a\\xffb"


@pytest.mark.parametrize(("pointer", "width"), [("Q", 8), ("I", 4)])
def test_the_structure_behind_the_ring_says_where_it_goes_on(
    pointer: str, width: int
) -> None:
    data = b"before" + writer.msgbuf(bytes(SIZE), 0x1000, 5000, pointer=pointer)
    assert written_behind(memoryview(data), 6, SIZE, width) == 5000
    assert written_behind(memoryview(data), 6, SIZE - 1, width) is None
    assert written_behind(memoryview(data), 6, SIZE + 100, width) is None


def test_a_structure_that_contradicts_itself_is_none() -> None:
    for written in (16 * SIZE, 0xFFFF_FFFF):
        data = memoryview(writer.msgbuf(bytes(SIZE), 0x1000, written))
        assert written_behind(data, 0, SIZE, 8) is None


@pytest.mark.parametrize("start", [0, 4096, (16 << 20) - 3000, (32 << 20) - 4096])
def test_a_ring_is_found_wherever_it_lies(start: int) -> None:
    data = bytearray(40 << 20)
    ring = writer.msgbuf(b"said".ljust(SIZE, b"\0"), 0, 4)
    data[start : start + len(ring)] = ring
    found = find_ring(memoryview(data), [(start, start + len(ring))], 8)
    assert found == (b"said".ljust(SIZE, b"\0"), 4)
    assert find_ring(memoryview(data), [(0, len(data))], 8) == found
    assert find_ring(memoryview(data), [(start + 8, len(data))], 8) is None
    assert find_ring(memoryview(data), [(0, start + SIZE + 12)], 8) is None


def test_of_two_rings_the_higher_one_is_the_kernels() -> None:
    one, other = (writer.msgbuf(text * 2048, 0, 9) for text in (b"a", b"b"))
    data = memoryview(one + other)
    both = [(0, len(one)), (len(one), len(data))]
    assert find_ring(data, both, 8) == (b"b" * 2048, 9)


def test_words_that_are_the_magic_by_chance_are_passed_over() -> None:
    ring = writer.msgbuf(b"x" * 2048, 0, 9)
    chance = b"\x62\x30\x06\x00" * 4096
    data = memoryview(chance + ring + chance)
    assert find_ring(data, [(0, len(data))], 8) == (b"x" * 2048, 9)
