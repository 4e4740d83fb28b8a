"""Takes one core into the spool: for cores that come as files or streams.

The kernel's own handler on Linux (``native/catch``) does the same without Python.
Order matters: the assets get their name first, the core's name is the commit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import attrs

from coresnap.backends import crash_record
from coresnap.collect.assets import pack_assets
from coresnap.collect.sparse import SparseResult, write_sparse
from coresnap.collect.spool import Part, Spool, make_id, storage_error
from coresnap.crash import Crash
from coresnap.errors import MissingError, NoSpaceError, StorageError

__all__ = ["archive_file", "archive_stream", "check_space"]

_SECOND = 1_000_000_000


def check_space(directory: Path, quota: int, size: int = 0) -> None:
    """Raise NoSpaceError if fewer than ``quota`` percent of blocks or inodes are free.

    ``size`` bytes that are to be written count as taken. A filesystem that does not
    count inodes (f_files 0) is not held to them.
    """
    free = os.statvfs(directory)
    blocks = free.f_bavail - size // free.f_frsize
    counts = (
        ("blocks", blocks, free.f_blocks),
        ("inodes", free.f_favail, free.f_files),
    )
    for what, available, total in counts:
        if total and available * 100 < total * quota:
            percent = max(available, 0) * 100 / total
            when = f" once {size} bytes are written" if size else ""
            raise NoSpaceError(
                f"{directory}: {percent:.1f} % of the {what} are free{when}, "
                f"dump.quota keeps {quota} %"
            )


def archive_file(spool: Spool, path: Path, crash: Crash, quota: int) -> str:
    """Copy the core file at ``path`` into the spool and return its id.

    Raises MissingError or StorageError if it cannot be read, NoSpaceError if there is
    no room.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except FileNotFoundError as error:
        raise MissingError(f"no core at {path}") from error
    except OSError as error:
        raise storage_error(f"cannot read {path}", error) from error
    try:
        return archive_stream(spool, fd, crash, {}, quota)
    finally:
        os.close(fd)


def archive_stream(
    spool: Spool, source: int, crash: Crash, context: Mapping[str, bytes], quota: int
) -> str:
    """Read a core from ``source`` to its end into the spool and return its id.

    ``context`` becomes assets, by member name. A core that could not be stored to its
    end is kept as far as it came, and its ``capture.json`` says so. Raises
    NoSpaceError before anything is written if less than ``quota`` percent is free.
    """
    check_space(spool.directory, quota)
    archive_id = make_id()
    hostname = crash.hostname or os.uname().nodename
    crash = attrs.evolve(crash, archive_id=archive_id, hostname=hostname)
    with spool.create(Part.CORE) as core, spool.create(Part.ASSETS) as assets:
        result = write_sparse(source, core.fd)
        if result.error is not None and result.bytes_stored == 0:
            raise StorageError(f"no core came: {os.strerror(result.error)}")
        members = {
            crash_record.NAME: crash_record.encode(crash),
            **context,
            "system/uname": "\n".join([*os.uname(), ""]).encode(),
            "capture.json": _capture_record(result),
        }
        data = pack_assets(members, crash.time // _SECOND)
        try:
            _write_all(assets.fd, data)
        except OSError as error:
            where = spool.path(Part.ASSETS, archive_id)
            raise storage_error(f"cannot write {where}", error) from error
        spool.commit(Part.ASSETS, assets, archive_id)
        spool.commit(Part.CORE, core, archive_id)
    return archive_id


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _capture_record(result: SparseResult) -> bytes:
    record = {
        "way": "stream",
        "bytes_in": result.bytes_in,
        "bytes_stored": result.bytes_stored,
        "truncated": not result.complete,
        "error": None if result.error is None else os.strerror(result.error),
    }
    return json.dumps(record).encode()
