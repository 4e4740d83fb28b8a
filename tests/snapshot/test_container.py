from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.errors import (
    AccessError,
    MissingError,
    NoSpaceError,
    SnapshotFormatError,
    StorageError,
)
from coresnap.model import MemoryRange, Snapshot
from coresnap.snapshot import container, schema
from coresnap.snapshot.compression import compress
from coresnap.snapshot.container import (
    open_snapshot,
    pack_snapshot,
    read_snapshot,
    write_snapshot,
)
from coresnap.snapshot.json_form import to_bytes
from coresnap.snapshot.text import render
from snapshot import snapshotwriter as writer
from snapshot import specimens

SUMMARY = writer.message({"system": "Linux", "architecture": "x86-64"})


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_the_full_specimen_leaves_no_field_of_a_snapshot_at_its_default() -> None:
    assert specimens.fields_at_default(specimens.full()) == []


def test_what_is_written_is_read_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "simple.csnap"

    size = write_snapshot(specimens.full(), path)

    assert size == path.stat().st_size
    assert read_snapshot(path) == specimens.full()


def test_a_descriptor_receives_the_same_bytes_as_a_path(tmp_path: Path) -> None:
    with (tmp_path / "by-fd").open("wb") as stream:
        write_snapshot(specimens.full(), stream.fileno())
    write_snapshot(specimens.full(), tmp_path / "by-path")

    by_fd = (tmp_path / "by-fd").read_bytes()
    assert by_fd == (tmp_path / "by-path").read_bytes()


def test_a_small_crash_needs_less_than_ten_kilobytes() -> None:
    assert len(pack_snapshot(specimens.small())) < 2_000


def test_only_the_owner_may_read_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "private.csnap"

    write_snapshot(specimens.small(), path)

    assert path.stat().st_mode & 0o777 == 0o600


def test_an_old_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = put(tmp_path / "again.csnap", b"older")

    write_snapshot(specimens.small(), path)

    assert read_snapshot(path) == specimens.small()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "kept.csnap", b"older")

    def full_disk(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(NoSpaceError, match="No space left"):
        write_snapshot(specimens.small(), path)

    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_to_and_not_replaced() -> None:
    before = os.stat(os.devnull)

    write_snapshot(specimens.small(), os.devnull)

    assert os.stat(os.devnull).st_ino == before.st_ino


def test_a_directory_that_is_not_there_is_an_error_with_its_name(
    tmp_path: Path,
) -> None:
    with pytest.raises(StorageError, match=r"absent/x\.csnap"):
        write_snapshot(specimens.small(), tmp_path / "absent" / "x.csnap")


def test_texts_that_are_no_unicode_are_written_with_their_bytes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stray.csnap"
    name = os.fsdecode(b"/tmp/\xff\xfe/a")

    write_snapshot(specimens.small(arguments=name), path)

    assert read_snapshot(path).arguments == r"/tmp/\xff\xfe/a"


def test_a_number_beyond_64_bits_is_refused_when_written(tmp_path: Path) -> None:
    with pytest.raises(SnapshotFormatError, match="cannot be written"):
        write_snapshot(specimens.small(core_size=1 << 64), tmp_path / "x")


def test_the_summary_is_read_without_the_threads(tmp_path: Path) -> None:
    snapshot = specimens.full()
    data = bytearray(pack_snapshot(snapshot))
    with open_snapshot(put(tmp_path / "whole", bytes(data))) as reader:
        threads = reader.sections["threads"]
    data[threads.offset] ^= 0xFF

    with open_snapshot(put(tmp_path / "bad-threads", bytes(data))) as reader:
        assert reader.summary.fingerprint == snapshot.fingerprint
        assert reader.summary.classifiers == snapshot.classifiers
        assert reader.summary.attributes == snapshot.attributes
        with pytest.raises(SnapshotFormatError, match="threads"):
            _ = reader.threads


def test_one_block_of_memory_is_read_without_the_others(tmp_path: Path) -> None:
    data = bytearray(pack_snapshot(specimens.full()))
    with open_snapshot(put(tmp_path / "whole", bytes(data))) as reader:
        blocks = reader.sections["memory-data"]
    data[blocks.offset + 20] ^= 0xFF

    with open_snapshot(put(tmp_path / "bad-block", bytes(data))) as reader:
        address = 0x7FFF_FFFF_0000 + 120_000
        assert reader.memory.read(address, 10) == b"stackstack"
        with pytest.raises(SnapshotFormatError, match="memory block 0"):
            reader.memory.read(0x1000, 1)


def test_a_file_of_an_independent_writer_is_read(tmp_path: Path) -> None:
    data = writer.container({"summary": SUMMARY})

    snapshot = read_snapshot(put(tmp_path / "x", data))

    assert (snapshot.system, snapshot.architecture) == ("Linux", "x86-64")
    assert snapshot.threads == ()
    assert snapshot.memory == ()


# Version 1.0 as it was first written: never change this, add to it.
FIRST_VERSION = writer.container(
    {
        "summary": writer.message(
            {
                "system": "Linux",
                "architecture": "x86-64",
                "pid": 4242,
                "command": "simple",
                "arguments": "./simple",
                "signal": {"number": 11, "name": "SIGSEGV", "code": 1, "address": 0},
                "fingerprint": "00" * 32,
                "attributes": {"application": "simple"},
                "notes": [{"step": "unwind", "message": "as far as it goes"}],
            }
        ),
        "threads": writer.message(
            {
                "threads": [
                    {
                        "tid": 4242,
                        "crashed": True,
                        "end": "outermost",
                        "frames": [
                            {
                                "pc": 0x401136,
                                "trust": "context",
                                "function": "program",
                                "variables": [
                                    {"name": "n", "type": "int", "kind": "local"}
                                ],
                            }
                        ],
                        "registers": {"rip": 0x401136},
                    }
                ]
            }
        ),
        "memory": writer.message(
            {
                "block_size": 8,
                "ranges": [
                    {"address": 0x1000, "size": 5},
                    {"address": 0x2000, "size": 7},
                ],
                "blocks": [
                    {
                        "stored_size": len(writer.raw_frame(block)),
                        "checksum": zlib.crc32(writer.raw_frame(block)),
                    }
                    for block in (b"hello, w", b"orld")
                ],
            }
        ),
        "memory-data": writer.raw_frame(b"hello, w") + writer.raw_frame(b"orld"),
    },
    codecs={"memory-data": 0},
)


def test_the_first_version_stays_readable(tmp_path: Path) -> None:
    snapshot = read_snapshot(put(tmp_path / "first", FIRST_VERSION))

    assert snapshot.signal is not None
    assert (snapshot.signal.name, snapshot.signal.address) == ("SIGSEGV", 0)
    assert snapshot.threads[0].frames[0].function == "program"
    assert snapshot.threads[0].frames[0].variables[0].value is None
    assert snapshot.threads[0].registers == {"rip": 0x401136}
    assert snapshot.attributes == {"application": "simple"}
    assert snapshot.notes[0].message == "as far as it goes"
    assert snapshot.memory == (
        MemoryRange(0x1000, b"hello"),
        MemoryRange(0x2000, b", world"),
    )


def test_a_later_minor_version_is_read_and_what_is_new_is_skipped(
    tmp_path: Path,
) -> None:
    summary = writer.message(
        {
            "system": "FreeBSD",
            "architecture": "aarch64",
            "mood": {"colour": [1, 2]},
            "notes": [{"step": "a", "message": "b", "severity": 3}],
        }
    )
    data = writer.container(
        {"heap": b"anything", "summary": summary},
        minor=7,
        header_extra=bytes(8),
        entry_extra=bytes(16),
        codecs={"heap": 99},
    )

    snapshot = read_snapshot(put(tmp_path / "later", data))

    assert snapshot.system == "FreeBSD"
    assert snapshot.notes[0].step == "a"


def test_another_major_version_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = put(tmp_path / "x", writer.container({"summary": SUMMARY}, major=3))

    with pytest.raises(SnapshotFormatError, match=r"format 3\.0") as caught:
        read_snapshot(path)

    assert "newer coresnap" in caught.value.remedy


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x7fELF" + bytes(100), id="a core"),
        pytest.param(
            writer.container({"summary": SUMMARY}, magic=bytes(8)), id="magic"
        ),
        pytest.param(writer.container({}), id="no summary"),
        pytest.param(
            writer.container({"summary": SUMMARY}, codecs={"summary": 9}), id="codec"
        ),
        pytest.param(
            writer.container({"summary": SUMMARY}, sizes={"summary": 3}), id="too big"
        ),
        pytest.param(
            writer.container({"summary": SUMMARY}, sizes={"summary": 999}),
            id="too small",
        ),
        pytest.param(
            writer.container({"summary": SUMMARY}, sizes={"summary": 1 << 40}),
            id="huge",
        ),
        pytest.param(
            writer.container({"summary": b"\xdf\xff\xff\xff\xff"}), id="count"
        ),
        pytest.param(writer.container({"summary": b"\x91" * 100_000}), id="depth"),
        pytest.param(
            writer.container({"summary": writer.message({"system": 7})}), id="type"
        ),
        pytest.param(writer.container({"summary": b"\x81\xa1\xff\x01"}), id="no utf-8"),
        pytest.param(FIRST_VERSION + b"more", id="longer"),
    ],
)
def test_what_is_no_snapshot_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SnapshotFormatError):
        read_snapshot(put(tmp_path / "x", data))


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    for length in range(len(FIRST_VERSION)):
        path.write_bytes(FIRST_VERSION[:length])
        with pytest.raises(SnapshotFormatError):
            read_snapshot(path)


def test_a_changed_byte_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "changed"
    for position in range(len(FIRST_VERSION)):
        data = bytearray(FIRST_VERSION)
        data[position] ^= 0x01
        path.write_bytes(data)
        # The minor version is the one thing that may change without a meaning, and
        # the checksum of the header covers it too.
        with pytest.raises(SnapshotFormatError):
            read_snapshot(path)


def read_bytes(data: bytes) -> Snapshot:
    with tempfile.TemporaryFile() as stream:
        stream.write(data)
        stream.flush()
        return read_snapshot(os.dup(stream.fileno()))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_summary_is_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(SnapshotFormatError):
        read_bytes(writer.container({"summary": data}))


FULL = {
    name: schema.encode(schema.part(specimens.full(), name))
    for name in schema.SECTION_TYPES
}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(FULL)),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
)
def test_a_forged_snapshot_is_refused_or_shown(
    name: str, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(FULL[name])
    for position, value in changes:
        content[position % len(content)] = value
    try:
        snapshot = read_bytes(writer.container({**FULL, name: bytes(content)}))
    except SnapshotFormatError:
        return
    assert render(snapshot, thread="all")
    assert to_bytes(snapshot)


def test_a_bomb_is_stopped_at_the_size_it_claims(tmp_path: Path) -> None:
    bomb = compress(bytes(200_000_000))
    assert len(bomb) < 100_000
    data = writer.container({"summary": bomb}, codecs={"summary": 0})
    path = put(tmp_path / "bomb", _as_zstd(data, claimed=1000))

    tracemalloc.start()
    with pytest.raises(SnapshotFormatError, match="zstd"):
        read_snapshot(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2_000_000


def _as_zstd(data: bytes, *, claimed: int) -> bytes:
    """Turn the only section of ``data`` into a compressed one of ``claimed`` bytes."""
    changed = bytearray(data)
    changed[64:72] = claimed.to_bytes(8, "little")
    changed[76:80] = (1).to_bytes(4, "little")
    changed[28:32] = bytes(4)
    changed[28:32] = zlib.crc32(changed[:80]).to_bytes(4, "little")
    return bytes(changed)


def test_memory_beyond_the_limit_is_not_decoded_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "MEMORY_LIMIT", 1000)
    path = put(tmp_path / "x", pack_snapshot(specimens.full()))

    with pytest.raises(SnapshotFormatError, match="memory"):
        read_snapshot(path)
    with open_snapshot(path) as reader:
        assert reader.memory.read(0x1000, 4) == b"\x00\x01\x02\x03"


def test_a_section_beyond_the_limit_is_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(container, "SECTION_LIMIT", 100)

    with pytest.raises(SnapshotFormatError, match="more than the format"):
        pack_snapshot(specimens.small(threads=(specimens.thread(name="x" * 200),)))


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="absent"):
        read_snapshot(tmp_path / "absent")


def test_a_directory_is_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(SnapshotFormatError, match="regular file"):
        read_snapshot(tmp_path)


def test_a_fifo_does_not_block_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(SnapshotFormatError, match="regular file"):
        read_snapshot(tmp_path / "fifo")


def test_a_file_that_may_not_be_read_is_an_access_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(AccessError):
        open_snapshot(tmp_path / "x")
