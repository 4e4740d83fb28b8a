"""Files that end at each of their structures, one byte before it and one behind it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

import coresnap
import corewriter as w
from conftest import CompileProgram, KernelCore, Tally
from coresnap.backends import crash_record
from coresnap.collect.assets import pack_assets, read_assets
from coresnap.errors import CoreFormatError, InputError, SnapshotFormatError
from coresnap.model import Crash
from coresnap.snapshot.container import pack_snapshot, read_snapshot
from snapshot import specimens

ELF_HEADER = 64
SEGMENT_HEADER = 56
NOTE_HEADER = 12
SECTION_ENTRY = 24
"""Bytes of a section in a snapshot's table, docs/formats.md."""

SYNTHETIC = w.write_core(
    notes=[
        w.prstatus(w.X86_64, tid=7, signal=11, registers={"rip": 0x1234}),
        w.prpsinfo(w.X86_64, pid=5),
        w.siginfo(w.X86_64, number=11, code=1, address=0xDEAD),
        w.auxv(w.X86_64, {6: 4096, 9: 0x400123}),
        w.mapped_files(w.X86_64, [(0x400000, 0x402000, 1, b"/bin/prog")]),
        w.prstatus(w.X86_64, tid=5, registers={"rip": 0x5678}),
    ],
    segments=[
        w.Segment(0x400000, b"\x90" * 4096, flags=w.PF_R | w.PF_X),
        w.Segment(0x7FFF0000, b"stack" * 1000),
    ],
)


def around(boundaries: Iterable[int], size: int) -> list[int]:
    """Return where to cut: at each boundary and beside it."""
    cuts = {boundary + by for boundary in boundaries for by in (-1, 0, 1)}
    return sorted(cut for cut in cuts if 0 <= cut < size)


def core_boundaries(data: bytes) -> Iterator[int]:
    """Find the structures of a core as pyelftools sees them."""
    elf = ELFFile(io.BytesIO(data))
    # Magic, class, data; type, machine, entry, tables: the fields of Elf64_Ehdr.
    yield from (0, 4, 5, 16, 18, 20, 24, 32, 40, 48, 52, 54, 56, 58, 60, 62, ELF_HEADER)
    for number in range(elf.num_segments()):
        yield elf["e_phoff"] + number * SEGMENT_HEADER
    for segment in elf.iter_segments():
        yield segment["p_offset"]
        yield segment["p_offset"] + segment["p_filesz"]
        if segment["p_type"] == "PT_NOTE":
            for note in segment.iter_notes():
                yield note["n_offset"]
                yield note["n_offset"] + NOTE_HEADER
                yield note["n_offset"] + note["n_size"] - len(note["n_descdata"])


def assert_every_cut_is_said(
    data: bytes, cuts: list[int], path: Path, tally: Tally
) -> None:
    for cut in cuts:
        path.write_bytes(data[:cut])
        try:
            snapshot = coresnap.analyze(path)
        except CoreFormatError:
            assert cut < ELF_HEADER + SEGMENT_HEADER  # not one header is whole
            tally("core cut at a structure", nothing=1)
            continue
        # The registers come first in a core: who has them has the crash.
        assert snapshot.truncated, cut
        assert any("truncated" in note.message for note in snapshot.notes), cut
        assert len(pack_snapshot(snapshot)) > 0
        tally("core cut at a structure", less=1)


def test_a_core_cut_at_any_structure_is_refused_or_said_to_be_cut(
    tmp_path: Path, tally: Tally
) -> None:
    cuts = around(core_boundaries(SYNTHETIC), len(SYNTHETIC) - 4096)
    assert len(cuts) > 60
    assert_every_cut_is_said(SYNTHETIC, cuts, tmp_path / "core", tally)


@pytest.mark.compiler
@pytest.mark.core_pattern
def test_a_core_of_the_kernel_s_cut_at_any_structure_is_refused_or_said_to_be_cut(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
    tally: Tally,
) -> None:
    program = compile_program("simple.c", "-g", "-O0", libraries=["-pthread"])
    data = kernel_core([program]).read_bytes()
    end = max(
        segment["p_offset"] + segment["p_filesz"]
        for segment in ELFFile(io.BytesIO(data)).iter_segments()
    )
    cuts = sorted({at - 1 for at in core_boundaries(data) if 0 < at <= end})
    assert len(cuts) > 60
    assert_every_cut_is_said(data, cuts, tmp_path / "core", tally)


def test_a_snapshot_cut_at_any_structure_is_refused(
    tmp_path: Path, tally: Tally
) -> None:
    data = pack_snapshot(specimens.full())
    path = tmp_path / "cut.csnap"
    for cut in around([*range(0, len(data), SECTION_ENTRY), len(data)], len(data)):
        path.write_bytes(data[:cut])
        with pytest.raises(SnapshotFormatError):
            read_snapshot(path)
        tally("snapshot cut at a structure", nothing=1)


def test_assets_cut_at_any_structure_give_the_members_before(
    tmp_path: Path, tally: Tally
) -> None:
    crash = crash_record.encode(Crash(pid=7, signal=11, time=1, hostname="web"))
    members = {"crash.json": crash, "process/maps": b"x" * 700, "capture.json": b"{}"}
    data = pack_assets(members, time=0)
    blocks = range(0, len(data), tarfile.BLOCKSIZE)
    for cut in around(blocks, len(data)):
        path = tmp_path / "assets"
        path.write_bytes(data[:cut])
        try:
            with path.open("rb") as stream:
                found = read_assets(stream.fileno())
        except InputError:
            assert cut < 2 * tarfile.BLOCKSIZE  # not even the first member's start
            tally("assets cut at a structure", nothing=1)
            continue
        assert list(found.members) == list(members)[: len(found.members)]
        for name, content in found.members.items():
            assert members[name].startswith(content)
            if content != members[name]:
                assert any(name in problem for problem in found.problems)
        assert found.problems or found.members == members
        tally("assets cut at a structure", less=1)
