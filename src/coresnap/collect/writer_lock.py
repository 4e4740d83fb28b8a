"""The lock of the journal's one writer, which also tells everybody who that is."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from coresnap.errors import AccessError, MissingError, StorageError

__all__ = ["is_locked", "take_lock"]


def _lock_path(path: Path) -> Path:
    return path.with_name("lock")


def take_lock(path: Path) -> int:
    """Become the writer of the journal at ``path``; return the lock's descriptor.

    Raises StorageError if another process is it, MissingError or AccessError.
    """
    lock = _lock_path(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(lock, flags, 0o600)
    except FileNotFoundError as error:
        raise MissingError(
            f"no directory for the journal: {lock.parent}",
            remedy="`coresnap install` creates it.",
        ) from error
    except PermissionError as error:
        raise AccessError(f"may not write the journal {path}") from error
    except OSError as error:
        raise StorageError(f"cannot open {lock}: {error.strerror}") from error
    try:
        # POSIX locks are not inherited by fork: a worker cannot hold it on.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise StorageError(
            "the daemon runs already",
            remedy="`coresnap status` shows it.",
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def is_locked(path: Path) -> int | None:
    """Return the pid of the process that writes the journal; None if there is none.

    Raises AccessError if this user may not look.
    """
    try:
        fd = os.open(_lock_path(path), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except PermissionError as error:
        raise AccessError(f"may not read {path.parent}") from error
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = os.pread(fd, 20, 0).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(fd)
    return None
