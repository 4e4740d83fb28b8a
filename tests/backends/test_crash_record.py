"""crash.json: what the OS said, written and read back."""

from __future__ import annotations

import contextlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.backends import crash_record
from coresnap.crash import Crash
from coresnap.errors import InputError

CRASH = Crash(
    pid=42,
    signal=11,
    time=1_461_500_000_000_000_000,
    tid=43,
    uid=1000,
    gid=100,
    dump_mode=1,
    core_limit=(1 << 64) - 1,
    executable="!home!me!simple",
    hostname="broadwell",
    archive_id="0" * 32,
)


def test_a_record_is_read_back_as_it_was_written() -> None:
    assert crash_record.decode(crash_record.encode(CRASH)) == CRASH


def test_what_the_kernel_did_not_say_is_not_known() -> None:
    crash = crash_record.decode(
        b'{"pid": 7, "tid": null, "signal": null, "time": null, "executable": null}'
    )

    assert crash == Crash(pid=7, signal=0, time=0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"pid": "7"}',
        b'{"pid": true}',
        b'{"pid": 1180591620717411303424}',
        b'{"pid": 1, "time": -1180591620717411303424}',
        b'{"pid": 1%s}' % (b"0" * 5000),
        b'{"pid": 1, "signal": "x"}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        crash_record.decode(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(InputError):
        crash_record.decode(data)


def write_tar(path: Path, name: str, data: bytes, size: int | None = None) -> None:
    stream = io.BytesIO()
    member = tarfile.TarInfo(name)
    member.size = len(data) if size is None else size
    header = member.tobuf(tarfile.USTAR_FORMAT)
    stream.write(header + data)
    path.write_bytes(stream.getvalue())


def test_the_first_member_of_a_tar_is_the_record(tmp_path: Path) -> None:
    path = tmp_path / "tar"
    write_tar(path, "crash.json", crash_record.encode(CRASH))

    with path.open("rb") as stream:
        assert crash_record.read_first(stream.fileno()) == CRASH


@pytest.mark.parametrize(
    ("name", "data", "size"),
    [
        ("other", b"{}", None),
        ("crash.json", b'{"pid": 1}', 1 << 32),
        ("crash.json", b'{"pid": 1', 200),
    ],
)
def test_a_tar_that_begins_otherwise_is_refused(
    tmp_path: Path, name: str, data: bytes, size: int | None
) -> None:
    path = tmp_path / "tar"
    write_tar(path, name, data, size)

    with path.open("rb") as stream, pytest.raises(InputError):
        crash_record.read_first(stream.fileno())


@pytest.mark.parametrize("data", [b"", b"x" * 100, bytes(512), b"x" * 2000])
def test_a_file_that_is_no_tar_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "tar"
    path.write_bytes(data)

    with path.open("rb") as stream, pytest.raises(InputError):
        crash_record.read_first(stream.fileno())
