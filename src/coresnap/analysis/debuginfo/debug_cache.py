"""A directory of debug files whose sections were decompressed once.

An entry is the file that libdw maps, then what it was made from, then a footer with a
checksum over both (docs/adr/0020). An entry is used only if it is whole, of this
format, made from this very file, and nobody else could have written it; anything else
is as good as no entry. Nothing here fails: a cache that cannot be used is not used.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from coresnap.errors import InputError

__all__ = ["DEFAULT_LIMIT", "DebugCache", "EntryKey"]

DEFAULT_LIMIT = 1 << 30
"""Bytes on disk of all entries."""
_MAGIC = b"coresnap"
_FORMAT = 1
_FOOTER = struct.Struct("<8sIIQQ")
"""Magic, format, length of the origin, bytes before the footer, their checksum."""
_SUFFIX = ".debug"
_TEMPORARY = ".new-"
_STALE_SECONDS = 3600
"""Age of a temporary file that nobody is writing any more, and of a last use that is
worth noting again."""
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class EntryKey(msgspec.Struct, frozen=True):
    """Which file an entry was made from, as it was then."""

    build_id: str
    origin: str
    """Changes whenever the file does: the change time cannot be set."""

    @classmethod
    def of(cls, descriptor: int, build_id: str | None) -> EntryKey:
        """The key of an open file."""
        s = os.fstat(descriptor)
        facts = (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
        return cls(build_id or "none", "-".join(f"{fact:x}" for fact in facts))

    @property
    def name(self) -> str:
        """Of the entry's file."""
        return f"{self.build_id}-{self.origin}{_SUFFIX}"


class DebugCache(msgspec.Struct, frozen=True):
    """The entries below ``directory``: at most ``limit`` bytes, the last used stay."""

    directory: Path
    limit: int = DEFAULT_LIMIT

    def open(self, key: EntryKey) -> int | None:
        """A descriptor of the entry; None if there is none that can be trusted."""
        try:
            if not _is_private(os.stat(self.directory, follow_symlinks=False)):
                return None
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(self.directory / key.name, flags)
        except OSError:
            return None
        if _is_sound(descriptor, key):
            _note_use(descriptor)
            return descriptor
        os.close(descriptor)
        return None

    def store(self, key: EntryKey, write: Callable[[int], None]) -> int | None:
        """Have ``write`` make the entry; a descriptor of it, None if that failed.

        Raises ``InputError`` if ``write`` does: then there is nothing to keep.
        """
        temporary = self.directory / f"{_TEMPORARY}{os.getpid()}-{time.monotonic_ns()}"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(os.stat(self.directory, follow_symlinks=False)):
                return None
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(temporary, flags, 0o600)
        except OSError:
            return None
        try:
            write(descriptor)
            _seal(descriptor, key)
            if os.fstat(descriptor).st_size > self.limit:
                temporary.unlink()
                return descriptor
            os.rename(temporary, self.directory / key.name)
        except OSError:
            _abandon(descriptor, temporary)
            return None
        except BaseException:
            _abandon(descriptor, temporary)
            raise
        self._evict(key.name)
        return descriptor

    def _evict(self, newest: str) -> None:
        """Remove what was used longest ago, and what broken writers left."""
        with contextlib.suppress(OSError), os.scandir(self.directory) as listed:
            entries = []
            for entry in listed:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    entries.append((status.st_mtime, status.st_blocks * 512, entry))
            old = time.time() - _STALE_SECONDS
            entries.sort(key=lambda found: found[0])
            total = sum(size for _, size, _ in entries)
            for used, size, entry in entries:
                broken = entry.name.startswith(_TEMPORARY) and used < old
                surplus = total > self.limit and entry.name.endswith(_SUFFIX)
                if broken or (surplus and entry.name != newest):
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)
                    total -= size


def _is_private(status: os.stat_result) -> bool:
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & _OTHERS_MAY_WRITE
    )


def _is_sound(descriptor: int, key: EntryKey) -> bool:
    """Whether it is an entry, whole, of this key, and only we could write it."""
    try:
        status = os.fstat(descriptor)
        if (
            not stat.S_ISREG(status.st_mode)
            or status.st_uid != os.geteuid()
            or status.st_mode & _OTHERS_MAY_WRITE
        ):
            return False
        origin = key.origin.encode()
        size = status.st_size - _FOOTER.size
        if size < len(origin):
            return False
        tail = os.pread(descriptor, len(origin) + _FOOTER.size, size - len(origin))
        expected = (_MAGIC, _FORMAT, len(origin), size)
        footer = _FOOTER.unpack(tail[-_FOOTER.size :])
        return (
            tail[: len(origin)] == origin
            and footer[:4] == expected
            and footer[4] == _checksum(descriptor, size)
        )
    except (InputError, OSError, struct.error):
        return False


def _seal(descriptor: int, key: EntryKey) -> None:
    origin = key.origin.encode()
    os.lseek(descriptor, 0, os.SEEK_END)
    _write(descriptor, origin)
    size = os.lseek(descriptor, 0, os.SEEK_CUR)
    checksum = _checksum(descriptor, size)
    _write(descriptor, _FOOTER.pack(_MAGIC, _FORMAT, len(origin), size, checksum))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _checksum(descriptor: int, size: int) -> int:
    from coresnap import _libdw

    checksum = _libdw.ffi.new("uint64_t *")
    if _libdw.lib.csdw_checksum(descriptor, size, checksum) != 0:
        raise InputError("the file ends before its size")
    return int(checksum[0])


def _note_use(descriptor: int) -> None:
    # Once an hour is enough to tell which is older, and costs no write.
    with contextlib.suppress(OSError):
        if time.time() - os.fstat(descriptor).st_mtime > _STALE_SECONDS:
            os.utime(descriptor)


def _abandon(descriptor: int, temporary: Path) -> None:
    os.close(descriptor)
    with contextlib.suppress(OSError):
        temporary.unlink()
