"""glibc's message by its looks alone, in whatever memory there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.messages.abort_message import find_abort_message, parts_of
from coresnap.elfcore.elfheader import ByteOrder

from .memories import PAGES, dead

TEXT = b"free(): invalid pointer\n"


def pages(text: bytes = TEXT, size: int = 0x1000, order: ByteOrder = "little") -> bytes:
    return size.to_bytes(4, order) + text + b"\0"


def texts(contents: dict[int, bytes], byte_order: ByteOrder = "little") -> list[str]:
    process = dead(contents, byte_order=byte_order)
    return [message.text for message in find_abort_message(process, {})]


def test_the_page_that_begins_with_its_size_is_found() -> None:
    process = dead({PAGES + 0x3000: pages()})
    (message,) = find_abort_message(process, {})
    assert message.text == "free(): invalid pointer"
    assert message.address == PAGES + 0x3004
    assert (message.found_by, message.tid) == ("scan", 1)
    assert message.parts == {"reason": "free(): invalid pointer"}


def test_a_big_endian_machines_size_is_read_as_such() -> None:
    assert texts({PAGES: pages(order="big")}, byte_order="big") == [
        TEXT.decode().strip()
    ]
    assert texts({PAGES: pages(order="big")}) == []


def test_a_long_message_takes_several_pages() -> None:
    text = b"a.c:1: f: Assertion `" + b"x" * 5000 + b"' failed.\n"
    assert len(texts({PAGES: pages(text, 0x2000)})) == 1


@pytest.mark.parametrize(
    "content",
    [
        pages(size=0x2000),
        pages(size=0x1001),
        pages(size=0),
        pages(b"abc"),
        pages(b"\x01\x02\x03\x04\x05"),
        pages(b"\xff\xfe\xfd\xfc\xfb"),
        pages() + b"more behind it",
        b"\0\x10\0\0" + b"A" * 0x2000,
    ],
)
def test_pages_that_only_look_like_it_are_not(content: bytes) -> None:
    assert texts({PAGES: content}) == []


def test_the_name_of_the_mapping_leads_there_without_a_scan() -> None:
    process = dead({PAGES + 0x1000: pages(size=0x3000)})
    line = f"{PAGES + 0x1000:x}-{PAGES + 0x2000:x} rw-p 0 00:00 0 [anon: glibc: fatal]"
    (message,) = find_abort_message(process, {"process/maps": line.encode()})
    assert message.found_by == "mapping name"


def test_a_list_of_mappings_that_is_none_is_no_message() -> None:
    assets = {"process/maps": b"-zz [anon: glibc: fatal]\n\xff [anon: glibc: assert]\n"}
    assert list(find_abort_message(dead({}), assets)) == []


@given(st.binary(max_size=256), st.integers(0, 0x100000))
def test_no_memory_makes_it_fail(content: bytes, size: int) -> None:
    for text in texts({PAGES: size.to_bytes(4, "little") + content}):
        assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "*** stack smashing detected ***: terminated",
            {"reason": "stack smashing detected"},
        ),
        (
            "*** Error in `./a': free(): invalid pointer: 0x0000abcd ***",
            {"reason": "free(): invalid pointer", "pointer": "0x0000abcd"},
        ),
        ("*** Error in `./a': what is this ***", {"reason": "what is this"}),
        ("FATAL: exception not rethrown", {"reason": "exception not rethrown"}),
        ("corrupted\\n======= Backtrace", {"reason": "corrupted"}),
    ],
)
def test_the_reason_is_what_stands_between_the_stars(
    text: str, parts: dict[str, str]
) -> None:
    assert parts_of(text) == parts
