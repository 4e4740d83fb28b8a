"""Reads the table of admission: which kinds of crashes there were, how many of each.

The handler alone writes it (``native/catch/admission_table.h``), or the daemon where
there is none (``admission_table``); its format is in ``docs/formats.md``. It is read
without a lock, since a reader must not make a handler wait: a count may be one crash
older than the next one.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import attrs

from coresnap.collect.spool import storage_error
from coresnap.errors import InputError

__all__ = [
    "LAYOUT",
    "MAGIC",
    "SIZE",
    "VERSION",
    "Admission",
    "Executable",
    "Kind",
    "read_admission",
]

MAGIC = b"\x89CSNADM\n"
VERSION = 1
_BEGINNING = struct.Struct("=8sI7I")
_COUNTS = struct.Struct("=4Q")
_COUNTS_OFFSET = 80
_HEADER_SIZE = 4096
_KIND = struct.Struct("=QqqQqqqqQQQQi28s")
_KINDS = 4096
_EXECUTABLE = struct.Struct("=QqqqqqQQQ56s")
_EXECUTABLES = 1024
_USER_SIZE = 32
_USERS = 256
LAYOUT = (
    _HEADER_SIZE,
    *(_KINDS, _KIND.size),
    *(_EXECUTABLES, _EXECUTABLE.size),
    *(_USERS, _USER_SIZE),
)
SIZE = (
    _HEADER_SIZE
    + _KINDS * _KIND.size
    + _EXECUTABLES * _EXECUTABLE.size
    + _USERS * _USER_SIZE
)


@attrs.frozen
class Kind:
    """Crashes of one user that have executable, signal and place in common."""

    kind: str
    """16 hex digits, as in ``crash.json``."""
    executable: str
    """16 hex digits, as in Executable."""
    name: str
    """File name of the executable, at most 27 bytes of it."""
    uid: int | None
    signal: int | None
    first: int
    """UTC nanoseconds."""
    last: int
    """UTC nanoseconds."""
    seen: int
    archived: int
    suppressed: int
    missed: int
    """Not archived since the last one that was."""


@attrs.frozen
class Executable:
    """Crashes of one executable and one user."""

    executable: str
    """16 hex digits, from its build-id where there is one."""
    name: str
    """File name, at most 55 bytes of it."""
    uid: int | None
    last: int
    """UTC nanoseconds."""
    seen: int
    archived: int
    suppressed: int


@attrs.frozen
class Admission:
    """What was admitted since the table was made, and what was not."""

    seen: int = 0
    """Crashes: archived, suppressed and refused."""
    archived: int = 0
    suppressed: int = 0
    """Only counted, by policy."""
    refused: int = 0
    """Admitted, but there was no room, or no spool."""
    kinds: tuple[Kind, ...] = ()
    """The latest first. The table forgets those not seen for longest."""
    executables: tuple[Executable, ...] = ()
    """The latest first."""


def read_admission(path: Path) -> Admission:
    """Return the table at ``path``; an empty one if no crash was ever counted.

    Raises InputError if it is damaged, AccessError or StorageError if it cannot be
    read.
    """
    data = _read(path)
    if not data:
        return Admission()
    if len(data) != SIZE:
        raise _damaged(path, f"{len(data)} bytes")
    if _BEGINNING.unpack_from(data) != (MAGIC, VERSION, *LAYOUT):
        raise _damaged(path, "no header of version 1")
    kinds = sorted(_kinds(data), key=lambda kind: -kind.last)
    executables = sorted(_executables(data), key=lambda executable: -executable.last)
    seen, archived, suppressed, refused = _COUNTS.unpack_from(data, _COUNTS_OFFSET)
    return Admission(
        seen=seen,
        archived=archived,
        suppressed=suppressed,
        refused=refused,
        kinds=tuple(kinds),
        executables=tuple(executables),
    )


def _read(path: Path) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error(
            f"cannot read the table of admission {path}", error
        ) from error
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise _damaged(path, "not a file")
        try:
            return file.read(SIZE + 1)
        except OSError as error:
            raise storage_error(f"cannot read {path}", error) from error


def _damaged(path: Path, found: str) -> InputError:
    return InputError(
        f"{path} is not a table of admission: {found}",
        remedy="The handler makes it anew at the next crash.",
    )


def _kinds(data: bytes) -> Iterator[Kind]:
    end = _HEADER_SIZE + _KINDS * _KIND.size
    for fields in _KIND.iter_unpack(data[_HEADER_SIZE:end]):
        fault, uid, used_at, executable, _new, _told, first, last, *counts = fields
        seen, archived, suppressed, missed, signal, name = counts
        if used_at:
            yield Kind(
                kind=f"{fault:016x}",
                executable=f"{executable:016x}",
                name=_text(name),
                uid=_known(uid),
                signal=_known(signal),
                first=first,
                last=last,
                seen=seen,
                archived=archived,
                suppressed=suppressed,
                missed=missed,
            )


def _executables(data: bytes) -> Iterator[Executable]:
    start = _HEADER_SIZE + _KINDS * _KIND.size
    end = start + _EXECUTABLES * _EXECUTABLE.size
    for fields in _EXECUTABLE.iter_unpack(data[start:end]):
        key, uid, used_at, _full, _kinds_full, last, *counts, name = fields
        if used_at:
            yield Executable(f"{key:016x}", _text(name), _known(uid), last, *counts)


def _known(number: int) -> int | None:
    return number if number >= 0 else None


def _text(name: bytes) -> str:
    return name.partition(b"\0")[0].decode("utf-8", "surrogateescape")
