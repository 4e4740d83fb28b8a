"""Opens the files that are imported, and reads nothing that could harm us.

They may stand in directories that everybody can write to, and root reads them: links
are not followed, devices and FIFOs are not opened for good (reference: capture rules
R4, R7). A source is only ever read.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from coresnap.collect.holes import next_data
from coresnap.collect.importers.pieces import Gap, Piece
from coresnap.collect.temporary_file import storage_error
from coresnap.errors import InputError, MissingError

__all__ = ["SourceFile", "open_source"]

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CHUNK = 1 << 20


@attrs.frozen
class SourceFile:
    """A plain file, open for reading."""

    path: Path
    fd: int
    status: os.stat_result
    """As it was when it was opened."""

    def start(self, size: int) -> bytes:
        """Return the first bytes, fewer if there are no more. Raises StorageError."""
        return self.read(size, 0)

    def pieces(self, start: int = 0, size: int | None = None) -> Iterator[Piece]:
        """Yield the bytes from ``start`` on, holes as gaps. Raises StorageError."""
        end = self.status.st_size
        if size is not None:
            end = min(end, start + size)
        offset = start
        while offset < end:
            data_start = _next_data(self.fd, offset, end)
            if data_start > offset:
                yield Gap(data_start - offset)
                offset = data_start
                continue
            data = self.read(min(_CHUNK, end - offset), offset)
            if not data:
                return
            yield data
            offset += len(data)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes from the start, holes as zeros. Raises StorageError."""
        offset = 0
        while data := self.read(_CHUNK, offset):
            yield data
            offset += len(data)

    def stream(self, offset: int = 0) -> BinaryIO:
        """Return the bytes as a buffered file of its own position.

        A duplicated descriptor would share it with who looks for holes.
        """
        stream = io.BufferedReader(_Raw(self))
        stream.seek(offset)
        return stream

    def require_unchanged(self) -> None:
        """Raise InputError if the file was written to since it was opened."""
        now = os.fstat(self.fd)
        before = self.status
        if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise InputError(
                f"{self.path} was written to while it was read",
                remedy="Import it again when its writer is done.",
            )

    def read(self, size: int, offset: int) -> bytes:
        """Return at most ``size`` bytes from ``offset`` on. Raises StorageError."""
        try:
            return os.pread(self.fd, size, offset)
        except OSError as error:
            raise storage_error(f"cannot read {self.path}", error) from error


class _Raw(io.RawIOBase):
    """A source file for ``io.BufferedReader``; closing it leaves the source open."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._offset = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {
            os.SEEK_SET: 0,
            os.SEEK_CUR: self._offset,
            os.SEEK_END: self._source.status.st_size,
        }
        self._offset = start[whence] + offset
        return self._offset

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer
        data = self._source.read(len(buffer), self._offset)
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[SourceFile]:
    """Open a plain file. Raises MissingError, AccessError, InputError, StorageError."""
    fd = _open(path)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is not a plain file")
        yield SourceFile(path, fd, status)
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise MissingError(f"no file at {path}") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(
                f"{path} is a symbolic link", remedy="Name the file that it leads to."
            ) from error
        if error.errno == errno.ENXIO:
            raise InputError(f"{path} is not a plain file") from error
        raise storage_error(f"cannot open {path}", error) from error


def _next_data(fd: int, offset: int, end: int) -> int:
    # What the disk does not answer here, reading says.
    with contextlib.suppress(OSError):
        return next_data(fd, offset, end)
    return offset
