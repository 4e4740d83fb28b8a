"""``crash.json``: what the OS said about a crash, as the capture side writes it.

It is the first member of the assets tar, so that one small read tells which process
an archive is about. The keys are documented in ``docs/capture.md``; ``native/catch``
writes the same ones.
"""

from __future__ import annotations

import json
import os
import tarfile
from typing import Any, TypeGuard

from coresnap.crash import Crash
from coresnap.errors import InputError

__all__ = ["NAME", "decode", "encode", "read_first"]

NAME = "crash.json"
"""Name of the member."""

_SIZE_LIMIT = 1 << 20
_NUMBERS = ("tid", "uid", "gid", "dump_mode", "core_limit", "suppressed")
_TEXTS = ("executable", "path", "command", "hostname", "kind")


def encode(crash: Crash) -> bytes:
    """Return the member's bytes."""
    record: dict[str, Any] = {"id": crash.archive_id, "pid": crash.pid}
    record |= {"signal": crash.signal, "time": crash.time}
    for name in (*_NUMBERS, *_TEXTS):
        if (value := getattr(crash, name)) is not None:
            record[name] = value
    return json.dumps(record).encode()


def decode(data: bytes) -> Crash:
    """Return the crash that ``data`` tells of.

    Raises InputError if it is no such record. A value of the wrong type is None.
    """
    try:
        record = json.loads(data)
        if not isinstance(record, dict):
            raise InputError("crash.json is not a JSON object")
        pid, signal = record["pid"], record.get("signal") or 0
        time = record.get("time") or 0
    except (ValueError, KeyError, RecursionError) as error:
        raise InputError(f"crash.json makes no sense: {error}") from error
    if not all(_is_number(value) for value in (pid, signal, time)):
        raise InputError("crash.json: pid, signal or time is not a number")
    numbers = {n: record[n] for n in _NUMBERS if _is_number(record.get(n))}
    texts = {t: record[t] for t in _TEXTS if isinstance(record.get(t), str)}
    archive_id = record.get("id")
    return Crash(
        pid=pid,
        signal=signal,
        time=time,
        archive_id=archive_id if isinstance(archive_id, str) else None,
        **numbers,
        **texts,
    )


def _is_number(value: object) -> TypeGuard[int]:
    # Of 64 bits: what is larger comes from no kernel, and no format of ours holds it.
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return -(1 << 63) <= value < 1 << 64


def read_first(fd: int) -> Crash:
    """Read the crash from ``fd``, an assets tar, without reading the rest.

    Raises InputError if its first member is not a crash record.
    """
    header = os.pread(fd, tarfile.BLOCKSIZE, 0)
    try:
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise InputError(f"the assets are not a tar: {error}") from error
    if member.name != NAME or not 0 <= member.size <= _SIZE_LIMIT:
        raise InputError(f"the assets begin with {member.name!r}, not with {NAME}")
    return decode(os.pread(fd, member.size, tarfile.BLOCKSIZE))
