"""Files in zstd's seekable format: what goes in comes out, and lies are found out."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.collect.seek_table import MOST_FRAMES, encode_table, read_table
from coresnap.collect.seekable import FRAME_SIZE, SeekableReader, SeekableWriter
from coresnap.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def write(fd: int, pieces: list[bytes | int], facts: bytes = b"facts") -> bytes:
    """Write data, and zeros where a number stands; return the content."""
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    writer = SeekableWriter(fd)
    for piece in pieces:
        if isinstance(piece, int):
            writer.skip(piece)
        else:
            writer.append(piece)
    writer.finish(facts)
    return b"".join(bytes(p) if isinstance(p, int) else p for p in pieces)


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


PIECES: list[bytes | int] = [noise(FRAME_SIZE), 40 * FRAME_SIZE + 5, b"x" * 5000, 7]


def test_content_is_read_from_anywhere(file: int) -> None:
    content = write(file, PIECES)
    reader = SeekableReader(file)

    assert reader.size == len(content)
    assert reader.read(0, len(content) + 9) == content
    for offset in (0, 17, FRAME_SIZE - 3, 41 * FRAME_SIZE, len(content) - 9):
        assert reader.read(offset, 4096) == content[offset : offset + 4096]
    assert reader.read(len(content), 1) == b""
    assert reader.facts() == b"facts"


@settings(max_examples=40, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(st.binary(min_size=1, max_size=99), st.integers(1, 3 * FRAME_SIZE)),
        max_size=6,
    ),
    offset=st.integers(0, 4 * FRAME_SIZE),
    size=st.integers(0, 5000),
)
def test_any_pieces_are_read_back(
    pieces: list[bytes | int], offset: int, size: int
) -> None:
    fd = os.memfd_create("file") if hasattr(os, "memfd_create") else -1
    if fd < 0:
        pytest.skip("no memfd_create on this system")
    try:
        content = write(fd, pieces)
        reader = SeekableReader(fd)
        assert reader.read(offset, size) == content[offset : offset + size]
        assert sum(entry.size for entry, _ in reader.frames()) == len(content)
    finally:
        os.close(fd)


def test_every_zstd_reader_reads_it_from_the_start(file: int, tmp_path: Path) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("not installed: zstd")
    content = write(file, PIECES)

    command = ["zstd", "-q", "-dc", str(tmp_path / "file")]
    run = subprocess.run(command, input=b"", capture_output=True, check=True)

    assert run.stdout == content


def test_zeros_cost_next_to_nothing(file: int) -> None:
    write(file, [4 << 30])

    assert os.fstat(file).st_size < 200_000
    assert all(content is None for _, content in SeekableReader(file).frames())


def test_a_file_without_content_is_one(file: int) -> None:
    write(file, [])

    reader = SeekableReader(file)
    assert (reader.size, list(reader.frames()), reader.facts()) == (0, [], b"facts")


def test_the_facts_of_another_writer_are_none(file: int) -> None:
    write(file, [b"x"])
    table = read_table(file)
    entry = table.entry(0)
    frame = os.pread(file, entry.stored_size, 0)
    os.ftruncate(file, 0)
    os.pwrite(file, frame + encode_table([(len(frame), 1, 0)]), 0)

    reader = SeekableReader(file)
    assert (reader.read(0, 9), reader.facts()) == (b"x", None)


def test_a_file_cut_anywhere_is_refused(file: int) -> None:
    write(file, [b"x" * 300, 5000])
    size = os.fstat(file).st_size

    for end in reversed(range(size)):
        os.ftruncate(file, end)
        with pytest.raises(InputError):
            SeekableReader(file)


def test_a_changed_byte_of_the_content_is_found(file: int) -> None:
    write(file, [noise(5000)])
    os.pwrite(file, b"\0\0", 2000)

    with pytest.raises(InputError, match=r"frame 0 at 0 is damaged"):
        SeekableReader(file).read(0, 10)


def test_damage_costs_only_its_frame(file: int) -> None:
    write(file, [noise(FRAME_SIZE), noise(FRAME_SIZE, 2)])
    os.pwrite(file, b"\0\0", 2000)

    reader = SeekableReader(file)
    assert reader.read(FRAME_SIZE, 100) == noise(FRAME_SIZE, 2)[:100]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([(5, 1, 0)], "the seek table speaks of 5 bytes, not of 9"),
        ([(9, 33 << 20, 0)], "frame 0 is too large"),
        ([(1 << 31, 1, 0)], "frame 0 is too large"),
        ([(5, 0, 0), (5, 1, 0)], "the seek table speaks of 10 bytes, not of 9"),
    ],
)
def test_a_table_that_lies_is_refused(
    file: int, frames: list[tuple[int, int, int]], reason: str
) -> None:
    os.pwrite(file, bytes(9) + encode_table(frames), 0)

    with pytest.raises(InputError, match=reason):
        read_table(file)


def test_a_table_that_promises_too_much_costs_no_memory(file: int) -> None:
    for count, reason in ((MOST_FRAMES + 1, "too many"), (MOST_FRAMES, "not whole")):
        footer = struct.pack("<IBI", count, 0x80, 0x8F92EAB1)
        os.pwrite(file, footer, 0)
        with pytest.raises(InputError, match=reason):
            read_table(file)


def test_a_table_of_a_later_kind_is_refused(file: int) -> None:
    os.pwrite(file, struct.pack("<IBI", 0, 0x84, 0x8F92EAB1), 0)

    with pytest.raises(InputError, match="later kind"):
        read_table(file)


def test_a_frame_that_holds_more_than_told_is_refused(file: int) -> None:
    write(file, [b"x" * 500])
    frame = os.pread(file, read_table(file).entry(0).stored_size, 0)
    for told in (499, 501):
        os.ftruncate(file, 0)
        os.pwrite(file, frame + encode_table([(len(frame), told, 0)]), 0)
        with pytest.raises(InputError, match=f"does not hold the {told} bytes told"):
            SeekableReader(file).read(0, 10)


@settings(max_examples=200)
@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    """Whatever is changed, what is read is right, or an error says that it is not."""
    if not hasattr(os, "memfd_create"):
        pytest.skip("no memfd_create on this system")
    fd = os.memfd_create("file")
    try:
        content = write(fd, [noise(3000), 2 * FRAME_SIZE, b"text" * 500])
        at = data.draw(st.integers(0, os.fstat(fd).st_size - 1))
        size = data.draw(st.integers(1, 8))
        os.pwrite(fd, data.draw(st.binary(min_size=size, max_size=size)), at)
        try:
            reader = SeekableReader(fd)
            assert reader.read(0, len(content) + 1) == content
        except InputError:
            pass
    finally:
        os.close(fd)
