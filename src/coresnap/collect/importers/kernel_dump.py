"""Takes what a kernel's dump says into the spool, as the record of a crash.

The dump itself stays where savecore(8) put it: it is as large as the machine's memory,
and nobody but its owner may read it. What it says is enough to judge it, and travels.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import attrs

from coresnap.backends import crash_record
from coresnap.collect.archive import check_space
from coresnap.collect.assets import pack_assets
from coresnap.collect.parts import Part
from coresnap.collect.spool import Spool, storage_error
from coresnap.config import Config
from coresnap.crash import Crash

__all__ = ["KernelCrash", "Recorded", "record_kernel"]

_SECOND = 1_000_000_000
_ID_OF = b"coresnap kernel dump 1\0"


@attrs.frozen
class KernelCrash:
    """One panic, as its dump says."""

    path: Path
    """Of the dump."""
    kernel: str
    """What the crash is listed by."""
    identity: str
    """What is equal for two dumps only if they are one: host, time, words, parity."""
    time: int
    """UTC seconds; 0 for not known."""
    hostname: str | None
    members: Mapping[str, bytes]
    """Of the assets."""


@attrs.frozen
class Recorded:
    """What became of it."""

    id: str
    is_new: bool
    """False if the spool held it already."""


def record_kernel(spool: Spool, crash: KernelCrash, config: Config) -> Recorded:
    """Keep a panic once, whatever was read of its dump each time.

    Raises NoSpaceError at ``dump.quota``, and StorageError.
    """
    archive_id = hashlib.sha256(_ID_OF + crash.identity.encode()).hexdigest()[:32]
    if spool.archive(archive_id) is not None:
        return Recorded(archive_id, is_new=False)
    check_space(spool.directory, config.dump_quota)
    said = Crash(
        pid=0,
        signal=0,
        time=crash.time * _SECOND,
        path=crash.kernel,
        command="kernel",
        hostname=crash.hostname,
        archive_id=archive_id,
    )
    members = {
        crash_record.NAME: crash_record.encode(said),
        **crash.members,
        "capture.json": _capture(crash.path),
    }
    with spool.create(Part.ASSETS) as assets:
        try:
            with open(assets.fd, "wb", closefd=False) as stream:
                stream.write(pack_assets(members, crash.time))
            if os.geteuid() == 0:
                owner = os.stat(spool.directory / Part.ASSETS)
                os.fchown(assets.fd, owner.st_uid, owner.st_gid)
        except OSError as error:
            where = spool.path(Part.ASSETS, archive_id)
            raise storage_error(f"cannot write {where}", error) from error
        spool.commit(Part.ASSETS, assets, archive_id)
    return Recorded(archive_id, is_new=True)


def _capture(path: Path) -> bytes:
    """Return ``capture.json`` (``docs/formats.md``)."""
    record = {
        "version": 1,
        "way": "import",
        "rung": "record",
        "rung_reason": "kernel",
        "source": {
            "format": "kernel",
            "path": os.fsencode(path).decode("utf-8", "backslashreplace"),
        },
    }
    return json.dumps(record).encode()
