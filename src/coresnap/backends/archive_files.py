"""What an installation puts on disk on every system: the archive's directories."""

from __future__ import annotations

import errno
import os
import pwd
import tempfile
from pathlib import Path

from coresnap.config import Config
from coresnap.errors import AccessError, CaptureError, CoresnapError, NoSpaceError

__all__ = ["make_directories", "make_directory", "owner_ids", "replace_file"]

STAGES = ("pending", "assets", "sending")


def owner_ids(user: str) -> tuple[int, int] | None:
    """Return uid and gid of ``user``; None if there is no such user."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def make_directories(config: Config, owner: tuple[int, int]) -> None:
    """Create the archive, or correct the owners and modes of the one that is there."""
    make_directory(config.root, (0, 0), 0o755)
    make_directory(config.spool, (0, owner[1]), 0o750)
    for stage in STAGES:
        make_directory(config.spool / stage, owner, 0o700)
    make_directory(config.journal.parent, owner, 0o700)
    make_directory(config.decompressed, owner, 0o700)
    if config.debuginfod_cache is None:
        # One that was named may be shared, and is whose it is.
        make_directory(config.fetched, owner, 0o700)


def make_directory(path: Path, owner: tuple[int, int], mode: int) -> None:
    """Create a directory, or give the one that is there its owner and mode.

    Raises CaptureError for a symbolic link, or what is no directory.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise CaptureError(f"{path} is not a directory: {error.strerror}") from error
    try:
        if (os.fstat(fd).st_uid, os.fstat(fd).st_gid) != owner:
            os.fchown(fd, *owner)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Give ``path`` the content ``data``, whole or not at all, and on the disk.

    Raises AccessError, NoSpaceError or CaptureError.
    """
    try:
        fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(fd, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(fd, mode)
                os.fsync(fd)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except PermissionError as error:
        raise AccessError(f"cannot write {path}: {error.strerror}") from error
    except OSError as error:
        raise _storage_error(path, error) from error


def _storage_error(path: Path, error: OSError) -> CoresnapError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"cannot write {path}: {error.strerror}")
    return CaptureError(f"cannot write {path}: {error.strerror}")
