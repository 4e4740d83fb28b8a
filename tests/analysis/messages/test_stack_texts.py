"""Messages that lie on the stack: allocators, sanitizers, GLib, Rust."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.messages.allocator_text import find_allocator_text
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.fatal_error import find_fatal_error
from coresnap.analysis.messages.glib import find_glib_message
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.rust_panic import find_rust_panic
from coresnap.analysis.messages.sanitizer import find_sanitizer

from .memories import HEAP, PAGES, STACK, dead

TOP = STACK + 0x8000


def only(
    find: Callable[[DeadProcess], Iterator[Message]], process: DeadProcess
) -> Message:
    (message,) = find(process)
    return message


@pytest.mark.parametrize(
    ("text", "allocator", "reason", "pointer"),
    [
        (
            b"<jemalloc>: size mismatch detected (true size 8 vs 16)\n",
            "jemalloc",
            "size mismatch detected (true size 8 vs 16)",
            None,
        ),
        (
            b"src/tcmalloc.cc:333] Attempt to free invalid pointer 0x7ffe00 \n",
            "tcmalloc",
            "Attempt to free invalid pointer 0x7ffe00",
            "0x7ffe00",
        ),
        (
            b"mimalloc: error: thread 0x1: double free detected of block 0x2\n",
            "mimalloc",
            "thread 0x1: double free detected of block 0x2",
            "0x1",
        ),
    ],
)
def test_an_allocators_text_is_taken_apart(
    text: bytes, allocator: str, reason: str, pointer: str | None
) -> None:
    message = only(find_allocator_text, dead({TOP - 0x400: b"\xff\0" + text + b"\0"}))
    assert message.parts["allocator"] == allocator
    assert message.parts["reason"] == reason
    assert message.parts.get("pointer") == pointer
    assert message.address == TOP - 0x400 + 2


def test_a_format_is_no_text() -> None:
    process = dead({TOP: b"<jemalloc>: malloc_conf #%u (%s)\0"})
    assert list(find_allocator_text(process)) == []


REPORT = (
    b"==\n==77==ERROR: AddressSanitizer: heap-use-after-free on address 0x5010 at pc\n"
    b"READ of size 1 at 0x5010 thread T0\n    #0 0x1 in main\n"
    b"SUMMARY: AddressSanitizer: heap-use-after-free a.c:3 in main\n"
)


def test_a_report_is_read_only_where_a_sanitizer_stands_on_the_stack() -> None:
    functions = ("abort", "__sanitizer::Die", "__asan_report_load1", "main")
    message = only(find_sanitizer, dead({PAGES: REPORT}, functions=functions))
    assert message.parts == {
        "tool": "AddressSanitizer",
        "bug": "heap-use-after-free",
        "address": "0x5010",
        "access": "READ of size 1",
        "summary": "AddressSanitizer: heap-use-after-free a.c:3 in main",
    }
    assert list(find_sanitizer(dead({PAGES: REPORT}))) == []


def test_ubsans_line_has_its_place() -> None:
    text = b"a.c:2:61: runtime error: shift exponent 99 is too large\n\0"
    functions = ("abort", "__ubsan_handle_shift_out_of_bounds_abort", "main")
    message = only(
        find_sanitizer, dead({TOP - 0x100: b"\0" + text}, functions=functions)
    )
    assert message.parts["bug"] == "shift exponent 99 is too large"
    assert (message.parts["file"], message.parts["line"]) == ("a.c", "2")


def location(file: bytes, line: int, column: int) -> dict[int, bytes]:
    return {
        HEAP + 0x100: struct.pack("<QQII", HEAP + 0x200, len(file), line, column),
        HEAP + 0x200: file,
    }


def panicked(**changes: bytes) -> dict[int, bytes]:
    text = b"no more of item 7"
    return {
        **location(changes.get("file", b"src/shop.rs"), 12, 5),
        HEAP + 0x300: text,
        TOP + 0x100: struct.pack("<Q", HEAP + 0x100),
        TOP + 0x120: struct.pack("<Q", HEAP + 0x100),
        TOP + 0x140: struct.pack("<QQ", HEAP + 0x300, len(text)),
    }


RUST = (
    "abort",
    "std::panicking::rust_panic",
    "core::panicking::panic_fmt",
    "shop::take",
)


def test_a_panics_place_is_what_is_passed_on_twice() -> None:
    message = only(find_rust_panic, dead(panicked(), functions=RUST))
    assert message.parts == {
        "file": "src/shop.rs",
        "line": "12",
        "column": "5",
        "what": "no more of item 7",
        "language": "Rust",
        "frame": "3",
    }


def test_a_path_that_counts_its_nul_is_the_same_path() -> None:
    message = only(
        find_rust_panic, dead(panicked(file=b"src/shop.rs\0"), functions=RUST)
    )
    assert message.parts["file"] == "src/shop.rs"


def test_what_is_no_rust_source_is_no_place() -> None:
    message = only(find_rust_panic, dead(panicked(file=b"src/shop.cc"), functions=RUST))
    assert "file" not in message.parts
    nameless = ("abort", None, None, None)
    assert list(find_rust_panic(dead({}, functions=nameless))) == []
    assert list(find_rust_panic(dead(panicked(), functions=("abort", "main")))) == []


def test_glibs_fields_lead_to_the_message() -> None:
    contents = {
        HEAP: b"MESSAGE\0",
        HEAP + 0x20: b"GLIB_DOMAIN\0",
        HEAP + 0x40: b"cannot go on\0",
        HEAP + 0x60: b"Shop\0",
        TOP + 0x80: struct.pack("<QQq", HEAP, HEAP + 0x40, -1),
        TOP + 0x98: struct.pack("<QQq", HEAP + 0x20, HEAP + 0x60, -1),
    }
    functions = ("g_log_structured_array", "g_logv", "g_log", "main")
    message = only(find_glib_message, dead(contents, functions=functions))
    assert message.parts == {"reason": "cannot go on", "domain": "Shop"}
    assert list(find_glib_message(dead(contents))) == []


@pytest.mark.parametrize(
    ("functions", "language"),
    [
        (
            (
                "abort",
                "runtime.dieFromSignal",
                "runtime.fatalpanic",
                "runtime.gopanic",
                "main.f",
            ),
            "Go",
        ),
        (("abort", "Py_FatalError", "PyInit_shop"), "Python"),
    ],
)
def test_other_run_times_are_known_by_their_functions(
    functions: tuple[str, ...], language: str
) -> None:
    message = only(find_fatal_error, dead({}, functions=functions))
    assert message.parts["language"] == language
    assert message.parts["frame"] == str(len(functions) - 1)


FINDERS = (find_allocator_text, find_sanitizer, find_rust_panic, find_glib_message)


@given(st.binary(max_size=0x400), st.sampled_from(FINDERS))
def test_no_stack_makes_them_fail(
    content: bytes, find: Callable[[DeadProcess], Iterator[Message]]
) -> None:
    functions = ("abort", "__asan_report", "g_log", "core::panicking::panic", None)
    for message in find(dead({TOP: content}, functions=functions)):
        assert message.text.isprintable()
