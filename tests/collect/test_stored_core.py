"""A core is the same core, plain or compressed, with all its holes."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from coresnap.collect.compression import compress_core, verify_compressed
from coresnap.collect.stored_core import Form, open_stored, write_pieces
from coresnap.errors import InputError

SIZE = (64 << 20) + 777


@pytest.fixture
def core(tmp_path: Path) -> Iterator[int]:
    """Data here and there in a large file: noise, text, and pages of zeros."""
    fd = os.open(tmp_path / "core", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, SIZE)
    chance = random.Random(3)
    for _ in range(30):
        size = chance.randrange(1, 300_000)
        os.pwrite(fd, chance.randbytes(size), chance.randrange(SIZE - size))
        os.pwrite(fd, b"text" * 900 + bytes(9000), chance.randrange(SIZE - 20_000))
    yield fd
    os.close(fd)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def ignore(size: int) -> None:
    """Watch nothing."""


def content(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size + 1, 0)


def disk(fd: int) -> int:
    return os.fstat(fd).st_blocks * 512


@pytest.mark.parametrize("form", [Form.PLAIN, Form.ZSTD])
def test_it_comes_back_with_its_holes(
    core: int, file: int, tmp_path: Path, form: str
) -> None:
    stored = core
    if form == Form.ZSTD:
        compress_core(core, file, ignore)
        stored = file
    target = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    try:
        found = open_stored(stored)
        assert (found.form, found.size) == (form, SIZE)
        write_pieces(found, target, ignore)
        assert content(target) == content(core)
        assert disk(target) <= disk(core)
    finally:
        os.close(target)


def test_a_stream_gets_zeros_for_holes(core: int, file: int, tmp_path: Path) -> None:
    with (tmp_path / "target").open("wb") as stream:
        write_pieces(open_stored(core), stream.fileno(), ignore, holes=False)

    assert (tmp_path / "target").read_bytes() == content(core)


def test_the_compressed_core_knows_the_plain_one(core: int, file: int) -> None:
    result = compress_core(core, file, ignore)

    found = open_stored(file)
    assert found.sha256 == result.sha256 == sha256(content(core)).digest()
    assert found.data_size == result.data_size == disk(core)
    assert result.stored_size == os.fstat(file).st_size < disk(core)


def test_what_is_equal_is_verified(core: int, file: int) -> None:
    compress_core(core, file, ignore)

    verify_compressed(core, file)


@pytest.mark.parametrize("offset", [0, SIZE // 2, SIZE - 1])
def test_one_other_byte_is_found(core: int, file: int, offset: int) -> None:
    compress_core(core, file, ignore)
    (byte,) = os.pread(core, 1, offset)
    os.pwrite(core, bytes([byte ^ 1]), offset)

    with pytest.raises(InputError, match="differs"):
        verify_compressed(core, file)


def test_another_size_is_found(core: int, file: int) -> None:
    compress_core(core, file, ignore)
    os.ftruncate(core, SIZE + 1)

    with pytest.raises(InputError, match="were compressed of"):
        verify_compressed(core, file)


def test_a_digest_that_differs_is_an_error(
    core: int, file: int, tmp_path: Path
) -> None:
    compress_core(core, file, ignore)
    data = content(file)
    digest = sha256(content(core)).digest()
    os.pwrite(file, bytes(31) + b"x", data.rindex(digest))

    with (
        (tmp_path / "target").open("wb") as stream,
        pytest.raises(InputError, match="SHA-256"),
    ):
        write_pieces(open_stored(file), stream.fileno(), ignore)


def test_a_core_is_not_compressed_twice(core: int, file: int, tmp_path: Path) -> None:
    compress_core(core, file, ignore)

    with (
        (tmp_path / "target").open("wb") as stream,
        pytest.raises(InputError, match="compressed already"),
    ):
        compress_core(file, stream.fileno(), ignore)


def test_who_watches_can_end_it(core: int, file: int) -> None:
    def refuse(size: int) -> None:
        raise OSError(28, "no room")

    with pytest.raises(OSError, match="no room"):
        compress_core(core, file, refuse)
