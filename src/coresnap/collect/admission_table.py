"""The table of admission, to be written by a daemon where no handler of ours runs.

The format is that of ``native/catch/admission_table.h`` (``docs/formats.md``). There is
one writer, who holds the journal's lock, so this needs none of its own.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from coresnap.collect.admission import LAYOUT, MAGIC, SIZE, VERSION
from coresnap.collect.spool import storage_error
from coresnap.errors import StorageError

__all__ = ["AdmissionTable", "ExecutableSlot", "Header", "KindSlot", "Slot", "UserSlot"]

_SET = 8
"""Slots that a key may be in."""
_TIME_LIMIT = ((1 << 63) - 1) // 4
_U64 = (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15
_HEADER = struct.Struct("=8s8I16sqqqQQQQqqQ")
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@attrs.define
class Header:
    """What is of all crashes; fields as in the C header."""

    boot_id: bytes = bytes(16)
    boottime: int = 0
    realtime: int = 0
    now: int = 1
    seen: int = 0
    archived: int = 0
    suppressed: int = 0
    refused: int = 0
    full_at: int = 0
    told_at: int = 0
    untold: int = 0

    def encode(self) -> bytes:
        """Return its bytes."""
        return _HEADER.pack(MAGIC, VERSION, *LAYOUT, *attrs.astuple(self))

    @classmethod
    def decode(cls, data: bytes) -> Header | None:
        """Read it; None if it is damaged or of another version."""
        magic, version, *rest = _HEADER.unpack(data)
        header = cls(*rest[7:])
        known = (magic, version, tuple(rest[:7])) == (MAGIC, VERSION, LAYOUT)
        return header if known and 0 < header.now < _TIME_LIMIT else None


@attrs.define
class Slot:
    """Begins each slot; ``used_at`` is 0 for a free one, ``uid`` -1 if unknown."""

    key: int
    uid: int
    used_at: int = 0


@attrs.define
class KindSlot(Slot):
    """Crashes of one kind."""

    executable: int = 0
    new_at: int = 0
    told_at: int = 0
    first: int = 0
    last: int = 0
    seen: int = 0
    archived: int = 0
    suppressed: int = 0
    missed: int = 0
    signal: int = 0
    name: bytes = b""


@attrs.define
class ExecutableSlot(Slot):
    """Crashes of one executable."""

    full_at: int = 0
    kinds_full_at: int = 0
    last: int = 0
    seen: int = 0
    archived: int = 0
    suppressed: int = 0
    name: bytes = b""


@attrs.define
class UserSlot(Slot):
    """New kinds of one user."""

    kinds_full_at: int = 0


_PARTS: dict[type[Slot], tuple[int, int, struct.Struct]] = {
    KindSlot: (LAYOUT[0], LAYOUT[1], struct.Struct("=QqqQqqqqQQQQi28s")),
    ExecutableSlot: (
        LAYOUT[0] + LAYOUT[1] * LAYOUT[2],
        LAYOUT[3],
        struct.Struct("=QqqqqqQQQ56s"),
    ),
    UserSlot: (
        LAYOUT[0] + LAYOUT[1] * LAYOUT[2] + LAYOUT[3] * LAYOUT[4],
        LAYOUT[5],
        struct.Struct("=Qqqq"),
    ),
}
"""Offset, number and form of each part's slots."""


class AdmissionTable:
    """The open table; ``with`` closes it. Every method may raise StorageError."""

    def __init__(self, path: Path) -> None:
        """Open the file at ``path``; one that is damaged begins anew."""
        self._path = path
        try:
            self._fd = os.open(path, _FLAGS)
        except OSError as error:
            raise storage_error(f"cannot open {path}", error) from error
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            os.close(self._fd)
            raise StorageError(f"{path} is not a plain file with one name")
        self.header = self._load(status.st_size)

    def __enter__(self) -> AdmissionTable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def _load(self, size: int) -> Header:
        if size == SIZE:
            header = Header.decode(self._read(_HEADER.size, 0))
            if header is not None:
                return header
        try:
            os.ftruncate(self._fd, 0)
            os.ftruncate(self._fd, SIZE)
        except OSError as error:
            raise storage_error(f"cannot write {self._path}", error) from error
        self.header = Header()
        self.save_header()
        return self.header

    def _read(self, size: int, offset: int) -> bytes:
        try:
            data = os.pread(self._fd, size, offset)
        except OSError as error:
            raise storage_error(f"cannot read {self._path}", error) from error
        if len(data) != size:
            raise StorageError(f"{self._path} ends early")
        return data

    def _write(self, data: bytes, offset: int) -> None:
        try:
            done = os.pwrite(self._fd, data, offset)
        except OSError as error:
            raise storage_error(f"cannot write {self._path}", error) from error
        if done != len(data):
            raise StorageError(f"{self._path} takes no more")

    def save_header(self) -> None:
        """Write the header."""
        self._write(self.header.encode(), 0)

    def find_kind(self, key: int, uid: int) -> tuple[KindSlot, int]:
        """Return the slot of a kind, and where it belongs."""
        fields, offset = self._find(KindSlot, key, uid)
        return KindSlot(*fields), offset

    def find_executable(self, key: int, uid: int) -> tuple[ExecutableSlot, int]:
        """Return the slot of an executable, and where it belongs."""
        fields, offset = self._find(ExecutableSlot, key, uid)
        return ExecutableSlot(*fields), offset

    def find_user(self, uid: int) -> tuple[UserSlot, int]:
        """Return the slot of a user, and where it belongs."""
        fields, offset = self._find(UserSlot, 0, uid)
        return UserSlot(*fields), offset

    def _find(
        self, kind: type[Slot], key: int, uid: int
    ) -> tuple[tuple[Any, ...], int]:
        """Return the fields of the slot of a key, else a fresh one's.

        That stands for a free slot, or the one not used for longest.
        """
        start, count, form = _PARTS[kind]
        chosen = (key ^ (uid & _U64) * _SPREAD & _U64) % (count // _SET)
        start += chosen * _SET * form.size
        data = self._read(_SET * form.size, start)
        oldest, place = 1 << 63, start
        for number, fields in enumerate(form.iter_unpack(data)):
            at = start + number * form.size
            if fields[2] and fields[:2] == (key, uid):
                return fields, at
            # What was used in the future is damaged, and goes first.
            used_at = 0 if fields[2] > self.header.now else fields[2]
            if used_at < oldest:
                oldest, place = used_at, at
        return (key, uid), place

    def save(self, slot: Slot, offset: int) -> None:
        """Write a slot that is used."""
        if slot.used_at:
            form = _PARTS[type(slot)][2]
            self._write(form.pack(*attrs.astuple(slot)), offset)
