"""Readers that map a core get a plain one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from coresnap.collect.compression import compress_core
from coresnap.collect.plain_core import restored
from coresnap.errors import CoreFormatError, InputError, NoSpaceError, StorageError

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


@pytest.mark.parametrize("content", [CORE, b"\x78\x9c", b"\x1f", b""])
def test_whatever_else_it_is_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with restored(path) as plain:
        assert plain == path


def _packed(tmp_path: Path, *program: str, content: bytes = CORE) -> Path:
    path = tmp_path / "packed"
    result = subprocess.run(program, input=content, capture_output=True, check=True)
    path.write_bytes(result.stdout)
    return path


@pytest.mark.parametrize(
    "program", ["gzip -nc", "zstd --no-content-size -qc", "xz -c", "bzip2 -c"]
)
def test_a_core_that_a_kernel_or_a_program_packed_is_plain_for_a_while(
    program: str, tmp_path: Path
) -> None:
    damage: list[str] = []
    with restored(_packed(tmp_path, *program.split()), damage.append) as plain:
        assert plain.read_bytes() == CORE
        assert os.stat(plain).st_blocks * 512 < len(CORE)
    assert not damage
    assert not plain.exists()


@pytest.mark.parametrize("program", ["gzip -nc", "zstd -qc"])
def test_what_ends_early_is_yielded_as_far_as_it_goes(
    program: str, tmp_path: Path
) -> None:
    path = _packed(tmp_path, *program.split())
    os.truncate(path, path.stat().st_size * 2 // 3)
    damage: list[str] = []
    with restored(path, damage.append) as plain:
        content = plain.read_bytes()
        assert len(content) > 2 << 20
        assert CORE.startswith(content)
    (reason,) = damage
    assert "end early" in reason


@pytest.mark.parametrize(
    "head",
    [
        b"minidump FreeBSD/amd64".ljust(512, b"\0"),
        b"ddb.txt".ljust(257, b"\0") + b"ustar",
        b"KDUMP   ".ljust(512, b"\0"),
    ],
    ids=["minidump", "text dump", "kdump"],
)
def test_dumps_of_kernels_are_cores_too(head: bytes, tmp_path: Path) -> None:
    content = head + CORE
    with restored(_packed(tmp_path, "zstd", "-qc", content=content)) as plain:
        assert plain.read_bytes() == content


def test_what_holds_no_core_is_refused_by_its_name(tmp_path: Path) -> None:
    path = _packed(tmp_path, "gzip", "-c", content=b"#!/bin/sh\n")
    with pytest.raises(CoreFormatError, match="packed holds no ELF"), restored(path):
        pass
    whole = _packed(tmp_path, "gzip", "-c", content=CORE[:63])
    os.truncate(whole, whole.stat().st_size - 4)
    with pytest.raises(InputError, match="end early"), restored(whole):
        pass
    path.write_bytes(b"\x28\xb5\x2f\xfd of another program")
    with pytest.raises(InputError, match="packed cannot be unpacked"), restored(path):
        pass


def test_where_descriptors_have_no_paths_the_file_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FreeBSD without fdescfs(5)."""
    path = _packed(tmp_path, "gzip", "-c")
    stat = os.stat

    def without(
        name: str | Path | int,
        *,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> os.stat_result:
        if str(name).startswith("/dev/fd/"):
            raise FileNotFoundError(2, "No such file or directory", str(name))
        return stat(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", without)
    with restored(path) as plain:
        assert plain.parent == Path(tempfile.gettempdir())
        assert plain.read_bytes() == CORE
    assert not plain.exists()


def test_what_unpacks_to_more_than_there_is_room_for_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _packed(tmp_path, "gzip", "-c")
    little = os.statvfs_result((4096, 4096, 9, 100, 100, 9, 9, 9, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: little)
    with pytest.raises(NoSpaceError, match="more than 409600"), restored(path):
        pass


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
