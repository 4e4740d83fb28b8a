"""Assets that are old: what is left of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coresnap.backends import crash_record
from coresnap.collect.assets import pack_assets, read_assets
from coresnap.collect.reduction import reduce_assets
from coresnap.collect.spool import Part, Spool, create_spool, make_id
from coresnap.crash import Crash

ID = make_id()
CRASH = Crash(pid=7, signal=11, time=5 * 10**9, path="/usr/bin/simple")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    create_spool(tmp_path)
    (tmp_path / "sending" / ID).write_bytes(b"snapshot")
    return Spool(tmp_path)


def give(spool: Spool, data: bytes) -> Path:
    path = spool.path(Part.ASSETS, ID)
    path.write_bytes(data)
    return path


def test_what_the_kernel_said_is_left(spool: Spool) -> None:
    members = {
        "crash.json": crash_record.encode(CRASH),
        "process/exe": b"/usr/bin/simple",
        "process/maps": b"x" * 100_000,
        "capture.json": b'{"rung": "full"}',
    }
    path = give(spool, pack_assets(members, 1))
    before = spool.archive(ID)

    assert reduce_assets(spool, ID)
    with path.open("rb") as stream:
        left = read_assets(stream.fileno())
    assert left.problems == ()
    assert left.members == {k: v for k, v in members.items() if k != "process/maps"}
    after = spool.archive(ID)
    assert before is not None
    assert after is not None
    assert after.application == before.application == "simple"
    assert after.disk_size < before.disk_size
    assert spool.intruders() == []


def test_assets_that_somebody_reads_stay(spool: Spool) -> None:
    data = pack_assets({"process/maps": b"x"}, 1)
    path = give(spool, data)
    reader = spool.open(Part.ASSETS, ID)

    assert not reduce_assets(spool, ID)
    assert path.read_bytes() == data
    os.close(reader)
    assert reduce_assets(spool, ID)


@pytest.mark.parametrize("data", [b"", b"no tar" * 1000])
def test_damaged_assets_are_reduced_too(spool: Spool, data: bytes) -> None:
    path = give(spool, data)

    assert reduce_assets(spool, ID)
    with path.open("rb") as stream:
        assert read_assets(stream.fileno()).members == {}


def test_no_assets_need_no_reduction(spool: Spool) -> None:
    assert reduce_assets(spool, ID)
