"""What FreeBSD's assert printed, from where its buffer was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.messages.assert_call import find_assert_call
from coresnap.analysis.messages.message import Message

from .memories import STACK, dead

BELOW = STACK + 0x7A00
TEXT = b"Assertion failed: (a == (b + 1)), function f, file dir/x.c, line 61.\n\0"


def found(text: bytes, system: str = "FreeBSD", place: int = BELOW) -> list[Message]:
    return list(find_assert_call(dead({place: text}, system=system)))


def test_expression_function_file_and_line_are_told() -> None:
    (message,) = found(TEXT)
    assert message.kind == "assert"
    assert (message.address, message.found_by) == (BELOW, "stack")
    assert message.parts == {
        "expression": "a == (b + 1)",
        "function": "f",
        "file": "dir/x.c",
        "line": "61",
    }


def test_a_compiler_without_names_of_functions_leaves_that_out() -> None:
    (message,) = found(b"Assertion failed: (x), file x.c, line 6.\n\0")
    assert message.parts == {"expression": "x", "file": "x.c", "line": "6"}


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-2] + b"\x01\x02",
        TEXT[:40],
        b"Assertion failed: (" + b"x" * 2000 + b"), file x.c, line 6.\n\0",
        b"Assertion failed: (x), file x.c, line \n\0",
        b"Assertion failed: (\xff\xfe), file x.c, line 6.\n\0",
    ],
    ids=["overwritten", "cut", "too long", "no line", "no text"],
)
def test_what_is_not_whole_says_nothing(text: bytes) -> None:
    assert found(text) == []


def test_on_linux_it_is_a_text_of_some_program() -> None:
    assert found(TEXT, "Linux") == []


@given(data=st.binary(max_size=64))
def test_no_bytes_behind_the_mark_raise(data: bytes) -> None:
    found(b"Assertion failed: (" + data)
