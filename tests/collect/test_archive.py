"""A core that comes as a file or stream, taken into the spool."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.collect.archive import archive_file, archive_stream, check_space
from coresnap.collect.assets import read_assets
from coresnap.collect.spool import Part, Spool, create_spool
from coresnap.crash import Crash
from coresnap.errors import CoresnapError, MissingError, NoSpaceError, StorageError

CRASH = Crash(pid=7, signal=11, time=1_461_535_521_000_000_000, executable="/x/simple")
MIB = 1 << 20


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    create_spool(tmp_path / "archive")
    with Spool(tmp_path / "archive") as spool:
        yield spool


def members(spool: Spool, archive_id: str) -> dict[str, bytes]:
    fd = spool.open(Part.ASSETS, archive_id)
    try:
        return read_assets(fd).members
    finally:
        os.close(fd)


def test_a_file_is_kept_as_it_was_with_its_holes_and_its_story(
    spool: Spool, tmp_path: Path
) -> None:
    core = tmp_path / "core"
    with core.open("wb") as stream:
        stream.write(b"begin")
        stream.seek(64 * MIB)
        stream.write(b"end")

    archive_id = archive_file(spool, core, CRASH, 0)

    (archive,) = spool.archives()
    assert archive.id == archive_id
    assert archive.application == "simple"
    assert archive.time == CRASH.time
    assert archive.size == 64 * MIB + 3
    assert archive.disk_size < MIB
    assert spool.path(Part.CORE, archive_id).read_bytes() == core.read_bytes()
    kept = members(spool, archive_id)
    assert json.loads(kept["crash.json"])["id"] == archive_id
    assert kept["system/uname"].decode().splitlines() == list(os.uname())
    assert json.loads(kept["capture.json"])["truncated"] is False


def test_a_stream_is_read_to_its_end(spool: Spool) -> None:
    reader, writer = os.pipe()

    def feed() -> None:
        with open(writer, "wb") as stream:
            for _ in range(100):
                stream.write(b"x" * 10_000 + bytes(10_000))

    thread = threading.Thread(target=feed)
    thread.start()
    archive_id = archive_stream(spool, reader, CRASH, {"process/comm": b"a\n"}, 0)
    thread.join()
    os.close(reader)

    assert spool.path(Part.CORE, archive_id).stat().st_size == 2_000_000
    assert members(spool, archive_id)["process/comm"] == b"a\n"


def test_a_missing_core_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        archive_file(spool, tmp_path / "none", CRASH, 0)

    assert spool.archives() == []


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_a_name_that_leads_elsewhere_is_not_followed(
    spool: Spool, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "core"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    else:
        path.mkdir()

    with pytest.raises(CoresnapError):
        archive_file(spool, path, CRASH, 0)

    assert not any(spool.usage()[part].objects for part in Part)


def test_a_fifo_under_the_core_s_name_does_not_hang(
    spool: Spool, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "core")

    archive_id = archive_file(spool, tmp_path / "core", CRASH, 0)

    assert spool.path(Part.CORE, archive_id).stat().st_size == 0


def test_nothing_is_written_below_the_quota(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(b"core")

    with pytest.raises(NoSpaceError, match=r"dump\.quota"):
        archive_file(spool, tmp_path / "core", CRASH, 100)

    assert not any(spool.usage()[part].objects for part in Part)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of one megabyte and a few inodes."""
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1M,nr_inodes=16", "none", str(mount)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.root
def test_what_fitted_of_a_core_is_kept_and_said_to_be_cut(
    small: Path, tmp_path: Path
) -> None:
    (tmp_path / "core").write_bytes(b"x" * (950 << 10) + b"y" * MIB)
    create_spool(small / "archive")
    with Spool(small / "archive") as spool:
        with pytest.raises(NoSpaceError):
            archive_file(spool, tmp_path / "core", CRASH, 0)

        assert spool.archives() == []
        assert os.statvfs(small).f_bavail > 200
        assert spool.usage()[Part.CORE].objects == 0


@pytest.mark.root
def test_used_up_inodes_are_below_the_quota(small: Path) -> None:
    number = 0
    while os.statvfs(small).f_favail > 1:
        (small / str(number)).touch()
        number += 1

    with pytest.raises(NoSpaceError, match="inodes"):
        check_space(small, 10)


def test_a_source_that_cannot_be_read_is_an_error(spool: Spool, tmp_path: Path) -> None:
    fd = os.open(tmp_path / "write-only", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(StorageError, match="no core came"):
        archive_stream(spool, fd, CRASH, {}, 0)
    os.close(fd)

    assert spool.archives() == []
