"""A file that gets its name in one step, once it is complete and on the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from types import TracebackType

from coresnap.errors import AccessError, CoresnapError, NoSpaceError, StorageError

__all__ = ["PREFIX", "TemporaryFile", "storage_error"]

PREFIX = ".part-"
"""How the name of an unfinished file begins, where it must have one."""

_FILE_MODE = 0o600
_TMPFILE = getattr(os, "O_TMPFILE", None)  # Linux


def storage_error(doing: str, error: OSError) -> CoresnapError:
    """Return the error of the tree that says ``doing`` failed."""
    message = f"{doing}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(message)
    if error.errno in (errno.EACCES, errno.EPERM):
        return AccessError(message)
    return StorageError(message)


class TemporaryFile:
    """A file in the spool without an id yet; it vanishes unless it is committed."""

    def __init__(self, directory: int) -> None:
        """Create it in the directory that ``directory`` is a descriptor of."""
        self._directory = directory
        self.name: str | None = None
        """Name on a filesystem that cannot do without one."""
        self.fd = self._create()

    def _create(self) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC
        if _TMPFILE is not None:
            try:
                here = flags | _TMPFILE
                return os.open(".", here, _FILE_MODE, dir_fd=self._directory)
            except OSError as error:
                # Filesystems without it (NFS, FUSE, overlayfs before Linux 6.1).
                missing = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
                if error.errno not in missing:
                    raise
        self.name = PREFIX + secrets.token_hex(8)
        flags |= os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        return os.open(self.name, flags, _FILE_MODE, dir_fd=self._directory)

    def commit(self, name: str, *, replace: bool = False) -> None:
        """Put the file on the disk under ``name``: whole, or not at all.

        Raises FileExistsError if there is one and ``replace`` is false.
        """
        os.fsync(self.fd)
        if replace:
            self._give_name(PREFIX + secrets.token_hex(8))
            assert self.name is not None
            self._rename(name)
        else:
            self._link(name)
        os.fsync(self._directory)

    def _give_name(self, name: str) -> None:
        if self.name is None:
            self._link(name)
            self.name = name

    def _rename(self, name: str) -> None:
        assert self.name is not None
        here = self._directory
        os.rename(self.name, name, src_dir_fd=here, dst_dir_fd=here)
        self.name = None

    def _link(self, name: str) -> None:
        here = self._directory
        if self.name is not None:
            # Not link and unlink: killed between, the file would have two names, and
            # nothing with two names is ours. The directory is private, so nobody
            # takes the name between the look and the rename.
            self._refuse_to_replace(name)
            self._rename(name)
        else:
            # A link, unlike a rename, refuses to replace what is there.
            source = f"/proc/self/fd/{self.fd}"
            os.link(source, name, dst_dir_fd=here, follow_symlinks=True)

    def _refuse_to_replace(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.lstat(name, dir_fd=self._directory)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)

    def close(self) -> None:
        """Close the file; without a commit it is gone."""
        os.close(self.fd)
        if self.name is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.name, dir_fd=self._directory)

    def __enter__(self) -> TemporaryFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
