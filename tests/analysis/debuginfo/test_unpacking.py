"""Compressed debug sections: with and without a cache the same is read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis.debuginfo.debug_cache import DebugCache
from coresnap.analysis.debuginfo.dwarf import open_debug_file
from coresnap.analysis.debuginfo.unpacking import unpacked
from coresnap.elfcore.elffile import SHF_COMPRESSED, ElfFile, open_elf
from coresnap.model import Snapshot
from coresnap.snapshot.container import write_snapshot

pytestmark = [pytest.mark.compiler, pytest.mark.libdw]

WAYS = ("zlib", "zlib-gnu", "zstd")
"""How binutils compresses."""


@pytest.fixture
def plain(compile_program: CompileProgram) -> Path:
    return compile_program("simple.c", "-g", libraries=["-pthread"])


def compressed(program: Path, way: str, directory: Path) -> Path:
    target = directory / f"{way}-{program.name}"
    option = f"--compress-debug-sections={way}"
    subprocess.run(["objcopy", option, str(program), str(target)], check=True)
    return target


def sections(descriptor: int) -> dict[str, bytes]:
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        elf = ElfFile(file.read())
    return {
        section.name: bytes(elf.section_data(section))
        for section in elf.sections
        if section.name.startswith(".debug")
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cached", [False, True])
def test_what_was_compressed_is_as_it_was_before(
    way: str, cached: bool, plain: Path, tmp_path: Path
) -> None:
    packed = compressed(plain, way, tmp_path)
    cache = DebugCache(tmp_path / "cache") if cached else None
    wanted = open_elf(plain)
    for _ in range(2):
        descriptor = unpacked(os.open(packed, os.O_RDONLY), cache)
        for name, data in sections(descriptor).items():
            section = wanted.section(name)
            assert section is not None
            assert data == bytes(wanted.section_data(section))
        os.close(descriptor)


def test_what_is_not_compressed_stays_what_it_is(plain: Path, tmp_path: Path) -> None:
    cache = DebugCache(tmp_path / "cache")
    descriptor = os.open(plain, os.O_RDONLY)
    assert unpacked(descriptor, cache) == descriptor
    os.close(descriptor)
    assert not cache.directory.exists()


def test_the_second_look_at_a_file_takes_it_from_the_cache(
    plain: Path, tmp_path: Path
) -> None:
    packed = compressed(plain, "zlib", tmp_path)
    cache = DebugCache(tmp_path / "cache")
    open_debug_file(packed, cache).close()
    (entry,) = cache.directory.iterdir()
    before = entry.stat()
    descriptor = unpacked(os.open(packed, os.O_RDONLY), cache)
    assert os.fstat(descriptor).st_ino == before.st_ino
    os.close(descriptor)


@pytest.mark.parametrize("way", WAYS)
def test_a_section_that_is_damaged_is_left_to_libdw_and_not_kept(
    way: str, plain: Path, tmp_path: Path
) -> None:
    packed = compressed(plain, way, tmp_path)
    section = next(
        s
        for s in open_elf(packed).sections
        if s.flags & SHF_COMPRESSED or s.name.startswith(".zdebug")
    )
    with packed.open("r+b") as file:
        file.seek(section.offset + (12 if way == "zlib-gnu" else 24))
        file.write(bytes(4))  # where the stream begins
    cache = DebugCache(tmp_path / "cache")
    descriptor = os.open(packed, os.O_RDONLY)
    assert unpacked(descriptor, cache) == descriptor
    os.close(descriptor)
    assert list(cache.directory.iterdir()) == []


def test_a_section_that_claims_another_size_is_not_kept(
    plain: Path, tmp_path: Path
) -> None:
    packed = compressed(plain, "zlib", tmp_path)
    section = open_elf(packed).section(".debug_info")
    assert section is not None
    for change in (-1, 1, 1 << 40):
        with packed.open("r+b") as file:
            file.seek(section.offset + 8)
            size = int.from_bytes(file.read(8), "little")
            file.seek(section.offset + 8)
            file.write((size + change).to_bytes(8, "little"))
        cache = DebugCache(tmp_path / "cache")
        descriptor = os.open(packed, os.O_RDONLY)
        assert unpacked(descriptor, cache) == descriptor
        os.close(descriptor)
        assert list(cache.directory.iterdir()) == []
        with packed.open("r+b") as file:
            file.seek(section.offset + 8)
            file.write(size.to_bytes(8, "little"))


def written(snapshot: Snapshot, path: Path) -> bytes:
    write_snapshot(snapshot, path)
    return path.read_bytes()


@pytest.mark.core_pattern
def test_a_snapshot_is_the_same_to_the_byte_whatever_the_cache_holds(
    plain: Path, kernel_core: KernelCore, tmp_path: Path
) -> None:
    packed = compressed(plain, "zlib", tmp_path)
    core = kernel_core([packed])
    file, directory = tmp_path / "snapshot", tmp_path / "cache"
    without = written(coresnap.analyze(core), file)
    miss = written(coresnap.analyze(core, cache=directory), file)
    entries = sorted(directory.iterdir())
    assert entries
    hit = written(coresnap.analyze(core, cache=directory), file)
    assert sorted(directory.iterdir()) == entries
    for entry in entries:
        entry.write_bytes(b"damaged")
    damaged = written(coresnap.analyze(core, cache=directory), file)
    assert without == miss == hit == damaged


@pytest.mark.core_pattern
def test_compressed_and_plain_debug_information_say_the_same(
    plain: Path, kernel_core: KernelCore, tmp_path: Path
) -> None:
    core = kernel_core([plain])
    expected = coresnap.analyze(core)
    for way in WAYS:
        packed = compressed(plain, way, tmp_path)
        found = coresnap.analyze(core, packed)
        assert found.threads == expected.threads
        assert msgspec.msgpack.encode(found.globals) == msgspec.msgpack.encode(
            expected.globals
        )
