"""The ring is told from its oldest byte to its newest."""

from __future__ import annotations

from coresnap.elfcore.vmcore.message_buffer import text_of


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
