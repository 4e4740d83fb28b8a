"""Files that end at every structure they have: a clear error, or what there is."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import pytest

from conftest import Tally
from coresnap import analyze
from coresnap.collect.admission import read_admission
from coresnap.collect.assets import pack_assets, read_assets
from coresnap.collect.journal import Journal, read_entries
from coresnap.crash import Archive, Stage
from coresnap.elfcore.corefile import open_core
from coresnap.errors import (
    CoreFormatError,
    InputError,
    SnapshotFormatError,
    StorageError,
)
from coresnap.snapshot.container import read_snapshot, write_snapshot
from corewriter import (
    PAGE,
    X86_64,
    Segment,
    auxv,
    mapped_files,
    prpsinfo,
    prstatus,
    siginfo,
    write_core,
)

NOTES = [
    prstatus(X86_64, tid=7, registers={"rip": 0x1010, "rsp": 0x3000}, signal=11),
    siginfo(X86_64, number=11, code=1, address=8),
    prpsinfo(X86_64, pid=7),
    auxv(X86_64, {3: 0x1040, 9: 0x1010}),
    mapped_files(X86_64, [(0x1000, 0x2000, 0, b"/no/such/program")]),
]
SEGMENTS = [Segment(0x1000, b"c" * PAGE, 5), Segment(0x3000, b"s" * (2 * PAGE))]
ARCHIVE = Archive(
    id="0" * 32,
    stage=Stage.PENDING,
    application="prog",
    time=1,
    has_core=True,
    has_snapshot=False,
    has_assets=True,
    size=1,
    disk_size=1,
    dumping=False,
)
CORE = write_core(notes=NOTES, segments=SEGMENTS)


def around(places: Iterable[int], size: int) -> list[int]:
    """Each place and its neighbours, within a file of ``size`` bytes."""
    near = {place + step for place in places for step in (-1, 0, 1)}
    return sorted(place for place in near if 0 <= place < size)


def places_of_core() -> list[int]:
    tables = X86_64.header_size
    notes = tables + (len(SEGMENTS) + 1) * X86_64.segment_header_size
    places = [0, 4, 16, 32, *range(tables, notes + 1, X86_64.segment_header_size)]
    for note in NOTES:
        places += [notes, notes + 12, notes + 20]
        notes += len(note)
    return [notes, *places, *range(PAGE, len(CORE) + 1, PAGE)]


def test_a_core_is_read_up_to_its_end(tmp_path: Path, tally: Tally) -> None:
    path = tmp_path / "core"
    opened, refused = 0, list[tuple[int, str]]()
    for size in around(places_of_core(), len(CORE)):
        path.write_bytes(CORE[:size])
        try:
            core = open_core(path)
        except CoreFormatError as error:
            refused.append((size, str(error)))
            continue
        with core:
            assert core.truncated or core.notes_to_reader, size
            if size >= 2 * PAGE:
                assert core.threads[0].tid == 7
                assert core.memory.read(0x1000, PAGE) == b"c" * PAGE
        opened += 1
    tally("a core cut at a structure, read", less=opened, nothing=len(refused))
    assert opened
    assert refused
    assert all(size < PAGE and str(path) in said for size, said in refused)


def test_a_core_that_is_cut_is_analysed_and_said_to_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "core"
    for size in around((2 * PAGE, 3 * PAGE), len(CORE)):
        path.write_bytes(CORE[:size])
        snapshot = analyze(path)
        assert [thread.tid for thread in snapshot.threads] == [7]
        assert "truncated" in repr(snapshot.notes) or "bytes" in repr(snapshot.notes)


def test_a_snapshot_that_is_cut_is_refused(tmp_path: Path) -> None:
    core, whole, part = (tmp_path / name for name in ("core", "whole", "part"))
    core.write_bytes(CORE)
    write_snapshot(analyze(core), whole)
    data = whole.read_bytes()
    for size in range(len(data)):
        part.write_bytes(data[:size])
        with pytest.raises(SnapshotFormatError):
            read_snapshot(part)


def test_of_assets_that_are_cut_the_members_before_are_read(tmp_path: Path) -> None:
    members = {
        "crash.json": b'{"pid": 7}',
        "process/maps": b"m" * 700,
        "process/status": b"s",
    }
    data = pack_assets(members, time=1)
    path = tmp_path / "assets"
    for size in around(range(0, len(data), 512), len(data)):
        path.write_bytes(data[:size])
        with path.open("rb") as file:
            if size <= 512:
                with pytest.raises(InputError, match="not a tar"):
                    read_assets(file.fileno())
                continue
            found = read_assets(file.fileno())
        for name, content in found.members.items():
            assert members[name].startswith(content), (size, name)
        if size >= 1024:
            assert found.members["crash.json"] == members["crash.json"]


def test_a_table_of_admission_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "admission"
    header = struct.pack(
        "=8s8I", b"\x89CSNADM\n", 1, 4096, 4096, 128, 1024, 128, 256, 32
    )
    data = header.ljust(667_648, b"\0")
    path.write_bytes(data)
    assert read_admission(path).kinds == ()
    places = (0, 8, len(header), 4096, 4096 * 129, 4096 * 161, len(data))
    path.write_bytes(b"")  # it was made, and nothing counted yet
    assert read_admission(path).kinds == ()
    for size in filter(None, around(places, len(data))):
        path.write_bytes(data[:size])
        with pytest.raises(InputError, match="admission"):
            read_admission(path)


def test_a_journal_that_is_cut_is_refused_or_read(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.sqlite", tmp_path / "part.sqlite"
    with Journal(whole) as journal:
        journal.replay([ARCHIVE])
    data = whole.read_bytes()
    refused: list[str] = []
    for size in around((0, 16, 100, *range(0, len(data) + 1, 512)), len(data)):
        part.write_bytes(data[:size])
        try:
            assert set(read_entries(part)) <= {ARCHIVE.id}
        except StorageError as error:
            refused.append(str(error))
    assert refused
    assert all(str(part) in said for said in refused)
