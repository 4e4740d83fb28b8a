"""Readers that map a core get a plain one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from coresnap.collect.compression import compress_core
from coresnap.collect.plain_core import restored
from coresnap.errors import InputError, NoSpaceError, StorageError

CORE = b"\x7fELF" + bytes(2 << 20) + os.urandom(1 << 20)


@pytest.fixture
def compressed(tmp_path: Path) -> Path:
    plain, path = tmp_path / "plain", tmp_path / "compressed"
    plain.write_bytes(CORE)
    with plain.open("rb") as source, path.open("wb") as target:
        compress_core(source.fileno(), target.fileno(), lambda done: None)
    return path


def test_a_compressed_core_is_plain_for_a_while(
    compressed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    with restored(compressed) as plain:
        assert plain.read_bytes() == CORE
        assert os.stat(plain).st_blocks * 512 < len(CORE)
        assert os.listdir(tmp_path / "t") == []

    assert not plain.exists()


@pytest.mark.parametrize("content", [CORE, b"\x28\xb5\x2f\xfd of another program", b""])
def test_whatever_else_it_is_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with restored(path) as plain:
        assert plain == path


def test_damage_is_found_before_anybody_reads(compressed: Path) -> None:
    with compressed.open("r+b") as stream:
        stream.seek(1 << 19)
        stream.write(bytes(9))

    with pytest.raises(InputError, match="is damaged"), restored(compressed):
        pass


def test_without_room_nothing_is_written(
    compressed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.statvfs_result((4096, 4096, 9, 0, 0, 9, 9, 9, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: full)

    with pytest.raises(NoSpaceError, match="has no room"), restored(compressed):
        pass


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError), restored(tmp_path / "nothing"):
        pass


def test_what_its_reader_raises_stays_what_it_is(compressed: Path) -> None:
    with pytest.raises(OSError, match="the reader's own"), restored(compressed):
        raise OSError("the reader's own")
