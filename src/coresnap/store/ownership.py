"""A directory that one process owns: DuckDB cannot share its files."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from coresnap.errors import NoSpaceError, StorageError

__all__ = ["Ownership"]

_NAME = "lock"


class Ownership:
    """Held from its making until ``release``, or the end of the process."""

    def __init__(self, directory: Path) -> None:
        """Own ``directory``, which is created, for nobody else to read.

        Raises StorageError if another process owns it, or it cannot be used.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._fd = os.open(directory / _NAME, flags, 0o600)
        except OSError as error:
            raise StorageError(
                f"cannot use the store's directory {directory}: {error.strerror}",
                remedy="Make it writable for the user that coroner runs as.",
            ) from error
        try:
            # POSIX locks are not inherited by fork: no child can hold it on.
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise StorageError(
                f"the store in {directory} is open already, in process {owner or '?'}",
                remedy="Ask that server, or stop it first. Several servers share a "
                "store in PostgreSQL, S3 and ClickHouse (docs/operate.md).",
            ) from error
        self._write_pid(directory)

    def _write_pid(self, directory: Path) -> None:
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._fd)
            raise NoSpaceError(
                f"cannot write in {directory}: {error.strerror}",
                remedy="Free space there.",
            ) from error

    def release(self) -> None:
        """Let others own it."""
        os.close(self._fd)
