"""Messages that lie on the stack: allocators, sanitizers, GLib, Rust."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.messages.allocator_text import find_allocator_text
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.fatal_error import find_fatal_error
from coresnap.analysis.messages.fatal_log import find_fatal_log
from coresnap.analysis.messages.glib import find_glib_message
from coresnap.analysis.messages.go_panic import find_go_panic
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
    b"================\n"
    b"==77==ERROR: AddressSanitizer: heap-use-after-free on address 0x5010 at pc\n"
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


def test_pythons_fatal_error_is_known_by_its_function() -> None:
    functions = ("abort", "Py_FatalError", "PyInit_shop")
    message = only(find_fatal_error, dead({}, functions=functions))
    assert message.parts["language"] == "Python"
    assert message.parts["frame"] == "2"


def go_frames(process: DeadProcess) -> DeadProcess:
    """The same process; the third function's frame is 64 bytes at the stack's top."""
    thread = process.threads[0]
    frames = tuple(
        msgspec.structs.replace(frame, stack_pointer=TOP + max(index - 2, 0) * 64)
        for index, frame in enumerate(thread.frames)
    )
    threads = (msgspec.structs.replace(thread, frames=frames),)
    return msgspec.structs.replace(process, threads=threads)


GO = ("runtime.raise.abi0", "runtime.fatalpanic", "runtime.gopanic", "main.main")


@pytest.mark.parametrize(("kind", "found"), [(24, True), (24 | 32, True), (25, False)])
def test_the_value_of_gos_panic_is_the_string_in_its_interface(
    kind: int, found: bool
) -> None:
    contents = {
        HEAP: bytes(23) + bytes([kind]),
        HEAP + 0x100: struct.pack("<QQ", HEAP + 0x200, 15),
        HEAP + 0x200: b"a plain message",
        TOP + 0x10: struct.pack("<QQ", HEAP, HEAP + 0x100),
    }
    message = only(find_go_panic, go_frames(dead(contents, functions=GO)))
    assert message.parts.get("what") == ("a plain message" if found else None)
    assert message.parts["frame"] == "3"


LOGGING = ("abort", "google::LogMessage::Fail", "check", "main")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (
            b"F1125 18:50:00.1 123 chk.cc:3] Check failed: n == 77 (2 vs. 77) no\n",
            {"file": "chk.cc", "line": "3", "expression": "n == 77 (2 vs. 77) no"},
        ),
        (
            b"F20261125 18:50:00.1 123 a.cc:5] cannot go on\n",
            {"file": "a.cc", "line": "5", "reason": "cannot go on"},
        ),
    ],
)
def test_a_fatal_line_that_the_stack_leads_to_is_taken_apart(
    line: bytes, parts: dict[str, str]
) -> None:
    contents = {HEAP: line, TOP + 0x40: struct.pack("<Q", HEAP)}
    assert only(find_fatal_log, dead(contents, functions=LOGGING)).parts == parts
    assert list(find_fatal_log(dead(contents))) == []


def test_abseils_raw_check_is_on_the_stack() -> None:
    text = b"[a.cc : 2] RAW: Check n > 50 failed: too few\n\0"
    functions = ("abort", "absl::raw_logging_internal::RawLog", "main")
    message = only(find_fatal_log, dead({TOP + 0x100: text}, functions=functions))
    assert message.parts == {
        "file": "a.cc",
        "line": "2",
        "expression": "n > 50: too few",
    }


FINDERS = (
    find_allocator_text,
    find_sanitizer,
    find_rust_panic,
    find_glib_message,
    find_fatal_log,
    find_go_panic,
)


@given(st.binary(max_size=0x400), st.sampled_from(FINDERS))
def test_no_stack_makes_them_fail(
    content: bytes, find: Callable[[DeadProcess], Iterator[Message]]
) -> None:
    names = ("abort", "__asan_report", "runtime.gopanic", "core::panicking::panic")
    functions = (*names, "g_log", "google::LogMessage::Fail", None)
    for message in find(go_frames(dead({TOP: content}, functions=functions))):
        assert message.text.isprintable()
