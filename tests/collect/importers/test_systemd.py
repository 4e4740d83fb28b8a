"""What systemd-coredump stores beside a core: attributes, or at least a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from foreigncores import PID, SYSTEMD_ATTRIBUTES, SYSTEMD_NAME, small_core

from .conftest import Bench
from .test_importer import PACKERS

SECOND = 10**9
TIME = 1_461_535_521 * SECOND


def set_attributes(path: Path, attributes: Mapping[str, bytes]) -> None:
    setxattr = getattr(os, "setxattr", None)
    if setxattr is None:
        pytest.skip("this system has no os.setxattr")
    try:
        for name, value in attributes.items():
            setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"no user attributes on this file system: {error}")


@pytest.fixture
def core_without_story() -> bytes:
    """A core whose notes say other things than the attributes do."""
    return small_core(pid=99, signal=4, path=b"/other")


@pytest.mark.parametrize("name", ["zstd", "lz4", "xz"])
def test_the_attributes_tell_of_the_crash(
    bench: Bench, core_without_story: bytes, name: str
) -> None:
    packed = PACKERS[name](core_without_story)
    path = bench.write("renamed", packed)
    set_attributes(path, SYSTEMD_ATTRIBUTES)

    result = bench.take(path)

    assert result.format == "systemd"
    assert result.taken is not None
    told = bench.told(result.taken.id)
    assert told["pid"] == PID
    assert told["signal"] == 11
    assert told["time"] == TIME
    assert (told["uid"], told["gid"]) == (1000, 100)
    assert told["core_limit"] == (1 << 64) - 1
    assert told["hostname"] == "imphost"
    assert told["command"] == "a.out"
    assert told["path"] == told["executable"] == "/srv/a.out"


def test_without_attributes_the_name_tells_the_most_important(
    bench: Bench, core_without_story: bytes
) -> None:
    path = bench.write(SYSTEMD_NAME + ".zst", PACKERS["zstd"](core_without_story))

    result = bench.take(path)

    assert result.format == "systemd"
    assert result.taken is not None
    told = bench.told(result.taken.id)
    assert told["pid"] == PID
    assert told["uid"] == 1000
    assert told["time"] == TIME
    assert told["command"] == "a.out"
    assert told["signal"] == 4


def test_seconds_and_microseconds_are_told_apart(bench: Bench) -> None:
    path = bench.write("core", small_core())
    seconds = {**SYSTEMD_ATTRIBUTES, "user.coredump.timestamp": b"1461535521"}
    set_attributes(path, seconds)

    assert bench.told(bench.imported(path).id)["time"] == TIME


@pytest.mark.parametrize("value", [b"", b"-1", b"12x", b"9" * 30, b"\xff", b"\xc2\xb2"])
def test_attributes_that_make_no_sense_are_not_believed(
    bench: Bench, value: bytes
) -> None:
    path = bench.write("core", small_core())
    numbers = ("pid", "uid", "signal", "timestamp", "rlimit")
    set_attributes(path, {f"user.coredump.{name}": value for name in numbers})

    told = bench.told(bench.imported(path).id)

    assert (told["pid"], told["signal"], told["uid"]) == (PID, 11, 1000)
    assert told["time"] == path.stat().st_mtime_ns
    assert "core_limit" not in told


def test_the_plain_core_is_the_same_archive_as_the_stored_one(bench: Bench) -> None:
    stored = bench.write(SYSTEMD_NAME + ".zst", PACKERS["zstd"](small_core()))

    first = bench.imported(stored)
    second = bench.imported(bench.write("core", small_core()))

    assert second.id == first.id
    assert not second.is_new


def test_the_attributes_are_left_as_they_were(bench: Bench) -> None:
    path = bench.write("core", small_core())
    set_attributes(path, SYSTEMD_ATTRIBUTES)

    bench.imported(path)

    getxattr = vars(os)["getxattr"]
    assert {n: getxattr(path, n) for n in SYSTEMD_ATTRIBUTES} == SYSTEMD_ATTRIBUTES
