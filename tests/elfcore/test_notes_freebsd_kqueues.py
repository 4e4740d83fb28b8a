"""Events of kqueues in written notes of 15."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import freebsd_corewriter as w
from coresnap.elfcore.elfheader import ElfHeader, parse_header
from coresnap.elfcore.notes_freebsd_kqueues import read_events
from coresnap.elfcore.process_state import WatchedEvent

LAYOUTS = {
    "x86-64": (w.AMD64, 1160, (8, "Q", 16), 72, 136),
    "i386": (w.I386, 1144, (4, "I", 8), 60, 120),
    "arm": (w.ARM, 1160, (8, "I", 12), 72, 136),
}
"""Size of struct kinfo_knote; where ident is, its type, and filter; where status and
path are. By the headers of 15.0, of FreeBSD's own compiler."""


def header(target: w.Target) -> ElfHeader:
    return parse_header(w.write_core(target), "core")


def knote(
    name: str,
    *,
    kqueue: int,
    number: int,
    ident: int,
    status: int = 0,
    extra: int = 0,
    path: bytes = b"",
) -> bytes:
    _, size, (ident_at, code, filter_at), status_at, path_at = LAYOUTS[name]
    return w.record(
        size,
        {
            0: ("i", kqueue),
            ident_at: (code, ident),
            filter_at: ("h", number),
            status_at: ("i", status),
            status_at + 4: ("i", extra),
            path_at: (f"{len(path)}s", path),
        },
    )


def description(name: str, *records: bytes) -> memoryview:
    return memoryview(struct.pack("<i", LAYOUTS[name][1]) + b"".join(records))


@pytest.mark.parametrize("name", LAYOUTS)
def test_events_are_read(name: str) -> None:
    records = [
        knote(name, kqueue=4, number=-1, ident=7, status=0x1 | 0x2),
        knote(name, kqueue=4, number=-4, ident=9, status=4, extra=1, path=b"/etc/a"),
        knote(name, kqueue=5, number=-15, ident=0xFFFFFFFF, extra=2, path=b"\x11"),
        knote(name, kqueue=5, number=-99, ident=0),
    ]
    problems: list[str] = []
    found = read_events(description(name, *records), header(LAYOUTS[name][0]), problems)
    assert problems == []
    assert found == (
        WatchedEvent(4, "read", 7, ("active", "queued")),
        WatchedEvent(4, "vnode", 9, ("disabled",), b"/etc/a"),
        WatchedEvent(5, "jaildesc", 0xFFFFFFFF, ()),
        WatchedEvent(5, "-99", 0, ()),
    )


@pytest.mark.parametrize("size", [0, 1, -1, 1152, 1 << 30])
def test_records_of_another_size_are_not_guessed_at(size: int) -> None:
    data = struct.pack("<i", size) + bytes(2320)
    problems: list[str] = []
    assert read_events(memoryview(data), header(w.AMD64), problems) == ()
    assert problems == ["the note of kqueues has records of a size unknown"]


def test_a_note_cut_anywhere_gives_the_events_before() -> None:
    record = knote("x86-64", kqueue=1, number=-7, ident=1)
    whole = description("x86-64", record, record)
    for size in range(0, len(whole), 7):
        found = read_events(whole[:size], header(w.AMD64), [])
        assert len(found) == max(0, size - 4) // 1160


@given(st.binary(min_size=1160, max_size=1160))
def test_no_bytes_raise(data: bytes) -> None:
    assert len(read_events(description("x86-64", data), header(w.AMD64), [])) == 1
