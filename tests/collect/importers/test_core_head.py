"""What the start of a core says, and that nobody can make that take long."""

from __future__ import annotations

import os
import struct

import pytest

from conftest import Corpus
from coresnap.collect.importers.core_head import HEAD_SIZE, read_head
from coresnap.errors import CoreFormatError
from corewriter import X86_64, Segment, note, write_core
from foreigncores import PID, small_core
from thincore import thin_core

from .conftest import Bench

HEADER_SIZE = 56


def test_program_headers_at_the_far_end_are_found(bench: Bench) -> None:
    memory = os.urandom(HEAD_SIZE * 2)
    thin = thin_core(small_core(memory=memory), [(0x1000, 0x1000 + len(memory))])
    assert struct.unpack_from("<Q", thin, 32)[0] > HEAD_SIZE

    taken = bench.imported(bench.write("core", thin))

    assert bench.core(taken.id) == thin
    assert not taken.truncated
    assert bench.told(taken.id)["pid"] == PID
    assert bench.told(taken.id)["path"] == "/srv/prog"


@pytest.mark.parametrize("place", [1 << 30, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_program_headers_behind_the_end_are_none(bench: Bench, place: int) -> None:
    core = bytearray(small_core(memory=os.urandom(HEAD_SIZE * 2)))
    struct.pack_into("<Q", core, 32, place)

    result = bench.take(bench.write("core", bytes(core)))

    assert isinstance(result.problem, CoreFormatError)
    assert bench.spool.archives() == []


@pytest.mark.parametrize("count", [0xFFFE, 0xFFFF])
def test_a_table_longer_than_the_file_is_a_truncated_core(count: int) -> None:
    core = bytearray(small_core())
    struct.pack_into("<H", core, 56, count)

    head = read_head(bytes(core), "core")

    assert head.expected_size is None or count == 0xFFFF


def test_more_mappings_than_the_header_can_count_are_read() -> None:
    segments = [Segment(n << 12, b"") for n in range(70_000)]
    core = write_core(
        segments=[*segments, Segment(1 << 40, b"end")], extended_count=True
    )

    head = read_head(core, "core")

    assert head.expected_size == core.rindex(b"end") + len(b"end")


def test_notes_that_are_many_or_huge_are_read_once(bench: Bench) -> None:
    # Each of 50,000 segments claims the same megabytes of notes.
    huge = note(X86_64, b"CORE", 0x46494C45, b"\xff" * 8 + b"/x\0" * (1 << 20))
    small = note(X86_64, b"x", 1, b"") * 1000
    core = bytearray(write_core(notes=[small, huge]))
    header = bytes(core[64 : 64 + HEADER_SIZE])
    table = header * 50_000
    moved = len(core)
    struct.pack_into("<Q", core, 32, moved)
    struct.pack_into("<H", core, 56, 50_000)

    assert read_head(bytes(core) + table, "core").pid is None


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("segv_null/crash.26.0.11.fbsdlab", "/lab/crash"),
        ("threads/crash.292.0.11.fbsdlab", "/lab/crash"),
        ("i386/crash32.482.0.11.fbsdlab", "/lab/crash32"),
        ("nulljump/crash.235.0.11.fbsdlab", ""),
    ],
)
def test_freebsd_s_notes_say_where_the_process_was(
    corpus: Corpus, name: str, place: str
) -> None:
    with corpus.path(f"freebsd/cores/{name}.core").open("rb") as stream:
        head = read_head(stream.read(HEAD_SIZE), name)

    assert head.place.partition("+")[0] == place
    assert bool(head.place) == bool(place)
