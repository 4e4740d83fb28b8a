"""A file that gets its name in one step, once it is complete and on the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from typing import BinaryIO

from coresnap.errors import StorageError

__all__ = ["PREFIX", "Unnamed", "unnamed_file"]

PREFIX = ".part-"
"""How the name of an unfinished file begins, where it must have one."""

_MODE = 0o600
_TMPFILE = getattr(os, "O_TMPFILE", None)  # Linux
_WITHOUT = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
"""Filesystems without it: NFS, FUSE, overlayfs before Linux 6.1."""
_COPY = 1 << 20


class Unnamed:
    """A file in a directory, open for writing, that nobody finds yet."""

    def __init__(self, directory: int) -> None:
        self._directory = directory
        self._name: str | None = None
        self.fd = self._create()

    def _create(self) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC
        if _TMPFILE is not None:
            try:
                return os.open(".", flags | _TMPFILE, _MODE, dir_fd=self._directory)
            except OSError as error:
                if error.errno not in _WITHOUT:
                    raise
        self._name = PREFIX + secrets.token_hex(8)
        flags |= os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        return os.open(self._name, flags, _MODE, dir_fd=self._directory)

    def fill(self, body: BinaryIO, size: int) -> None:
        """Copy ``size`` bytes, and bring them onto the disk.

        Raises StorageError if there are fewer.
        """
        left = size
        while left:
            part = body.read(min(left, _COPY))
            if not part:
                raise StorageError(f"a body ends {left} bytes before its end")
            left -= len(part)
            view = memoryview(part)
            while view:
                view = view[os.write(self.fd, view) :]
        os.fsync(self.fd)

    def link(self, name: str) -> None:
        """Give it a name; raises FileExistsError if that is taken."""
        here = self._directory
        if self._name is None:
            # Through /proc: AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH. The descriptor
            # makes Python call linkat, which can follow; link would not.
            source = f"/proc/self/fd/{self.fd}"
            os.link(source, name, src_dir_fd=here, dst_dir_fd=here)
        else:
            os.link(self._name, name, src_dir_fd=here, dst_dir_fd=here)
            os.unlink(self._name, dir_fd=here)
            self._name = None
        os.fsync(here)

    def rename(self, name: str) -> None:
        """Give it a name, in place of what has it."""
        here = self._directory
        if self._name is None:
            between = PREFIX + secrets.token_hex(8)
            source = f"/proc/self/fd/{self.fd}"
            os.link(source, between, src_dir_fd=here, dst_dir_fd=here)
            self._name = between
        os.rename(self._name, name, src_dir_fd=here, dst_dir_fd=here)
        self._name = None
        os.fsync(here)

    def close(self) -> None:
        """Close it; one without a name is gone."""
        os.close(self.fd)
        if self._name is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._name, dir_fd=self._directory)


@contextlib.contextmanager
def unnamed_file(directory: int) -> Iterator[Unnamed]:
    """Create a file in the directory that ``directory`` is a descriptor of."""
    file = Unnamed(directory)
    try:
        yield file
    finally:
        file.close()
