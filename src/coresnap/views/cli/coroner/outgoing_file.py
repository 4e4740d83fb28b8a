"""A file on its way to the store: opened as what it is, removed as what was sent."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import attrs

from coresnap.errors import (
    AccessError,
    CoresnapError,
    MissingError,
    StorageError,
    UsageError,
)

__all__ = ["OutgoingFile", "open_outgoing", "unreadable"]

Identity = tuple[int, int, int, int]
"""Device, inode, size and time of the last change: a file that is written anew has
another."""


@attrs.frozen
class OutgoingFile:
    """A regular file that is open."""

    path: Path
    stream: BinaryIO

    def __enter__(self) -> OutgoingFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stream.close()

    @property
    def size(self) -> int:
        """In bytes, now."""
        return os.fstat(self.stream.fileno()).st_size

    @property
    def identity(self) -> Identity:
        """Of the open file, wherever it is by now."""
        return _identity(os.fstat(self.stream.fileno()))

    def remove(self) -> None:
        """Remove it once the store has it; another file in its place stays.

        Raises StorageError.
        """
        try:
            there = _identity(os.stat(self.path))
            # Whoever writes snapshots under one name may have written the next one.
            if there == self.identity:
                os.unlink(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(
                f"the store has {self.path}, but it cannot be removed: "
                f"{error.strerror}",
                remedy="Remove it by hand. Sent again, it is the same fault.",
            ) from error


def open_outgoing(path: Path, *, follow: bool = True) -> OutgoingFile:
    """Open a regular file; without ``follow`` no link either.

    Raises UsageError if it is something else, MissingError and AccessError if it
    cannot be read.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        # Something else is not even opened: a pipe would wait for its writer, and to
        # open a device can be an order to it.
        _demand_file(path, os.stat(path, follow_symlinks=follow))
        descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except OSError as error:
        raise unreadable(path, error) from error
    stream = open(descriptor, "rb")  # noqa: SIM115 - closed by OutgoingFile
    try:
        # Meanwhile something else may have come under its name.
        _demand_file(path, os.fstat(descriptor))
    except UsageError:
        stream.close()
        raise
    return OutgoingFile(path, stream)


def unreadable(path: Path, error: OSError) -> CoresnapError:
    """Return what is raised where a file, or the rest of it, cannot be read."""
    if isinstance(error, PermissionError):
        return AccessError(f"{path} may not be read")
    return MissingError(f"cannot read {path}: {error.strerror}")


def _demand_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is no file")


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
