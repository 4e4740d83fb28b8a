"""Snapshots are made smaller, and every reader still reads them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from coresnap.errors import MissingError, SnapshotFormatError
from coresnap.model import MemoryRange
from coresnap.snapshot.container import (
    open_snapshot,
    pack_sections,
    pack_snapshot,
    read_snapshot,
    write_snapshot,
)
from coresnap.snapshot.layout import CODEC_STORED
from coresnap.snapshot.reduction import recompressed, summary_alone
from snapshot import specimens


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "full.csnap"
    write_snapshot(specimens.full(), path)
    return path


def test_the_summary_alone_says_what_the_whole_says(path: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.csnap"
    alone.write_bytes(summary_alone(path))

    with open_snapshot(alone) as reader, open_snapshot(path) as whole:
        assert reader.summary == whole.summary
        assert set(reader.sections) == {"summary"}
        assert reader.threads.threads == ()
    assert read_snapshot(alone).memory == ()


def test_recompressed_it_is_the_same_snapshot_in_fewer_bytes(
    path: Path, tmp_path: Path
) -> None:
    smaller = tmp_path / "smaller.csnap"
    smaller.write_bytes(recompressed(path))

    assert read_snapshot(smaller) == specimens.full()
    assert smaller.stat().st_size < path.stat().st_size


def test_much_memory_takes_much_less_room(tmp_path: Path) -> None:
    # Pages that are like others far away, as heaps have them.
    pages = [b"".join(b"%d:%d;" % (n, i) for i in range(2000)) for n in range(8)]
    memory = MemoryRange(0x1000, b"".join(pages) * 20)
    snapshot = msgspec.structs.replace(specimens.full(), memory=(memory,))
    path = tmp_path / "heavy.csnap"
    path.write_bytes(pack_snapshot(snapshot))

    smaller = tmp_path / "smaller.csnap"
    smaller.write_bytes(recompressed(path))

    assert read_snapshot(smaller) == snapshot
    assert smaller.stat().st_size * 2 < path.stat().st_size
    with open_snapshot(smaller) as reader:
        assert reader.memory.read(0x1000 + 100_000, 50) == memory.data[100_000:100_050]


def test_a_section_from_the_future_stays_as_it_is(path: Path, tmp_path: Path) -> None:
    with open_snapshot(path) as reader:
        bodies = [reader.stored(name) for name in reader.sections]
    new = ("tomorrow", 6, b"abcabc", CODEC_STORED)
    later = tmp_path / "later.csnap"
    later.write_bytes(pack_sections([*bodies, new]))

    smaller = tmp_path / "smaller.csnap"
    smaller.write_bytes(recompressed(later))

    with open_snapshot(smaller) as reader:
        assert reader.stored("tomorrow") == new


def test_what_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.csnap").write_bytes(b"no snapshot" * 100)

    for reduce in (summary_alone, recompressed):
        with pytest.raises(SnapshotFormatError):
            reduce(tmp_path / "no.csnap")
        with pytest.raises(MissingError):
            reduce(tmp_path / "none.csnap")


def test_a_damaged_section_is_not_carried_on(path: Path, tmp_path: Path) -> None:
    with open_snapshot(path) as reader:
        offset = reader.sections["summary"].offset
    data = bytearray(path.read_bytes())
    data[offset + 20] ^= 1
    (tmp_path / "damaged.csnap").write_bytes(data)

    for reduce in (summary_alone, recompressed):
        with pytest.raises(SnapshotFormatError):
            reduce(tmp_path / "damaged.csnap")
