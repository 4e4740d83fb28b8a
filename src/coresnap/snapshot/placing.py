"""A file that appears whole under its name, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from coresnap.errors import AccessError, NoSpaceError, StorageError

__all__ = ["place"]


def place(data: bytes, target: str | os.PathLike[str] | int) -> None:
    """Write ``data`` to an open file descriptor, or as the file of a path.

    A file is written beside its place with mode 0600, synced, and renamed. Raises
    StorageError (NoSpaceError when the disk is full) and AccessError.
    """
    if isinstance(target, int):
        _write_all(target, data)
        return
    path = Path(target)
    try:
        if path.exists() and not path.is_file():
            # A device or pipe must not be replaced by a file.
            with path.open("wb", buffering=0) as stream:
                _write_all(stream.fileno(), data)
        else:
            _replace(path, data)
    except OSError as error:
        raise _storage_error(error, path) from error


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _storage_error(error, "the snapshot") from error


def _storage_error(error: OSError, what: object) -> StorageError | AccessError:
    message = f"cannot write {what}: {error.strerror}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AccessError(message)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(message)
    return StorageError(message)
