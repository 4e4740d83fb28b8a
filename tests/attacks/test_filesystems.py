"""What takes a core into the spool meets each error of a disk, at each of its calls."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from conftest import Tally
from coresnap.collect.archive import archive_file
from coresnap.collect.assets import read_assets
from coresnap.collect.spool import Part, Spool, create_spool
from coresnap.crash import Crash
from coresnap.errors import CoresnapError
from twins import mounted

pytestmark = pytest.mark.root

CRASH = Crash(pid=7, signal=11, time=1_461_535_521_000_000_000, executable="/x/prog")
CALLS = ("open", "write", "fsync", "link")
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
CORE = bytes(range(256)) * 4096
MEBIBYTE = 1 << 20
SIZES = {"tmpfs": 8 * MEBIBYTE, "ext4": 8 * MEBIBYTE, "xfs": 320 * MEBIBYTE}


@attrs.define
class Fault:
    """Fails the ``number``th of the calls of one function of ``os``."""

    function: Callable[..., Any]
    number: int
    error: int
    met: bool = False

    def __call__(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        self.number -= 1
        if self.number == 0:
            self.met = True
            raise OSError(self.error, os.strerror(self.error))
        return self.function(*arguments, **options)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    create_spool(tmp_path / "archive")
    with Spool(tmp_path / "archive") as spool:
        yield spool


@pytest.fixture
def core(tmp_path: Path) -> Path:
    path = tmp_path / "core"
    path.write_bytes(CORE)
    return path


def take(spool: Spool, core: Path) -> str | None:
    """Take the core in; None if that was refused by an error of ours."""
    try:
        return archive_file(spool, core, CRASH, 0)
    except CoresnapError:
        return None


def capture_of(spool: Spool, archive_id: str) -> dict[str, Any]:
    fd = spool.open(Part.ASSETS, archive_id)
    try:
        record: dict[str, Any] = json.loads(read_assets(fd).members["capture.json"])
    finally:
        os.close(fd)
    return record


@pytest.mark.parametrize("error", ERRORS, ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("name", CALLS)
def test_an_error_at_any_call_is_said_and_the_core_is_taken_the_next_time(
    spool: Spool,
    core: Path,
    name: str,
    error: int,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
) -> None:
    whole = nothing = 0
    for number in range(1, 40):
        fault = Fault(getattr(os, name), number, error)
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fault)
            taken = take(spool, core)
        whole_cores = [a for a in spool.archives() if a.has_core]
        for archive in whole_cores:
            assert spool.path(Part.CORE, archive.id).read_bytes() == CORE
        assert core.read_bytes() == CORE
        assert taken is None or taken in {a.id for a in whole_cores}
        if not fault.met:
            break
        whole, nothing = whole + bool(taken), nothing + (taken is None)
        again = take(spool, core)
        assert again is not None
        assert spool.path(Part.CORE, again).read_bytes() == CORE
        for archive in spool.archives():
            for part in (Part.CORE, Part.ASSETS):
                spool.remove(part, archive.id)
    else:
        pytest.fail("the calls have no end")
    assert whole + nothing
    # Refused means that the source stays, and it was taken the next time.
    tally(f"{errno.errorcode[error]} at each {name}, taking in", whole=whole + nothing)


@pytest.mark.parametrize("kind", SIZES)
def test_a_disk_that_fills_up_keeps_what_it_had(
    kind: str, core: Path, tmp_path: Path, tally: Tally
) -> None:
    with mounted(kind, tmp_path / "image", SIZES[kind]) as directory:
        free = os.statvfs(directory)
        spare = free.f_bavail * free.f_frsize - 5 * MEBIBYTE
        if spare > 0:
            with (directory / "ballast").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, spare)
        create_spool(directory / "archive")
        with Spool(directory / "archive") as spool:
            taken = [take(spool, core) for _ in range(9)]
            kept = [archive_id for archive_id in taken if archive_id]
            short = [i for i in kept if capture_of(spool, i)["truncated"]]
            for archive_id in kept:
                data = spool.path(Part.CORE, archive_id).read_bytes()
                assert CORE.startswith(data)
                assert (data != CORE) == (archive_id in short)
            refused = len(taken) - len(kept)
    assert len(kept) > len(short)
    assert short or refused
    whole = len(kept) - len(short)
    tally(f"a full {kind}, taking in", whole=whole, less=len(short), nothing=refused)
