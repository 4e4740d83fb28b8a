"""Bodies as files below one directory, which is ours alone."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from coresnap.errors import (
    CoresnapError,
    MissingError,
    NoSpaceError,
    StorageError,
)
from coresnap.store.objects.contract import Stored
from coresnap.store.objects.keys import check_key, check_prefix
from coresnap.store.objects.temporary import PREFIX, unnamed_file

__all__ = ["FileObjects"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_MOST_KEPT = 256
"""Directories that stay open, so that a body is written with a third fewer system
calls; each of them lets other threads go first."""
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})


class FileObjects:
    """Objects in files; a key's parts are directories.

    Every part is opened below the one before it, and never through a link. A body is
    on the disk, with its name, before ``put`` returns.
    """

    def __init__(self, root: Path) -> None:
        """Use ``root``, creating it; raises StorageError if that fails."""
        with _translated("create", str(root)):
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Whoever runs the store may have put it elsewhere by a link.
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._kept: dict[str, int] = {}
        self._outdated: list[int] = []

    def put(self, key: str, body: BinaryIO, size: int) -> bool:
        """Keep ``size`` bytes of ``body``; False if something is there already."""
        with self._made(key) as (directory, name), unnamed_file(directory) as file:
            file.fill(body, size)
            try:
                file.link(name)
            except FileExistsError:
                return False
            return True

    def replace(self, key: str, body: BinaryIO, size: int) -> None:
        """The same, in place of what is there."""
        with self._made(key) as (directory, name), unnamed_file(directory) as file:
            file.fill(body, size)
            file.rename(name)

    def open(self, key: str, start: int = 0, size: int | None = None) -> BinaryIO:
        """Open a body, or ``size`` bytes of it from ``start``, for reading."""
        with _translated("read", key), self._opened(check_key(key)) as (parent, name):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            file = io.FileIO(os.open(name, flags, dir_fd=parent))
        if start == 0 and size is None:
            return io.BufferedReader(file)
        with file:
            file.seek(start)
            return io.BytesIO(_exactly(file, size))

    def stat(self, key: str) -> Stored:
        """Return what is known of one."""
        with _translated("read", key), self._opened(check_key(key)) as (parent, name):
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        return Stored(key, status.st_size, int(status.st_mtime))

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield all whose key begins with ``prefix``, in no order that lasts."""
        with _translated("list", prefix):
            try:
                directory = self._descend(check_prefix(prefix).split("/"))
            except FileNotFoundError:
                return
            yield from _below(directory, prefix)

    def remove(self, key: str) -> None:
        """Remove one; one that is not there is none the less gone."""
        with (
            contextlib.suppress(MissingError),
            _translated("remove", key),
            self._opened(check_key(key)) as (parent, name),
        ):
            os.unlink(name, dir_fd=parent)

    def close(self) -> None:
        """Let go of the directories."""
        for directory in (self._root, *self._kept.values(), *self._outdated):
            os.close(directory)

    @contextlib.contextmanager
    def _made(self, key: str) -> Iterator[tuple[int, str]]:
        """Give the directory that ``key`` lies in, created if need be, and its name."""
        *parents, name = check_key(key).split("/")
        with _translated("write", key):
            directory = self._descend(parents, create=True)
            try:
                yield directory, name
            finally:
                os.close(directory)

    @contextlib.contextmanager
    def _opened(self, key: str) -> Iterator[tuple[int, str]]:
        *parents, name = key.split("/")
        directory = self._descend(parents)
        try:
            yield directory, name
        finally:
            os.close(directory)

    def _descend(self, parts: Sequence[str], *, create: bool = False) -> int:
        """Return a descriptor of the directory that ``parts`` lead to."""
        above = "/".join(parts[:-1])
        kept = self._kept.get(above)
        if kept is not None:
            try:
                return _enter(kept, parts[-1], create=create)
            except FileNotFoundError:
                if os.fstat(kept).st_nlink:
                    raise
                self._forget(above)  # somebody has removed it
        directory = os.dup(self._root)
        try:
            for part in parts[:-1]:
                below = _enter(directory, part, create=create)
                os.close(directory)
                directory = below
            found = _enter(directory, parts[-1], create=create)
        except BaseException:
            os.close(directory)
            raise
        self._keep(above, directory)
        return found

    def _keep(self, above: str, directory: int) -> None:
        """Remember a directory for the next time, or close it.

        One that is remembered stays open to the end: another thread may be using it.
        """
        full = len(self._kept) + len(self._outdated) >= _MOST_KEPT
        if full or self._kept.setdefault(above, directory) != directory:
            os.close(directory)

    def _forget(self, above: str) -> None:
        if (directory := self._kept.pop(above, None)) is not None:
            self._outdated.append(directory)


def _enter(directory: int, part: str, *, create: bool) -> int:
    try:
        return os.open(part, _DIRECTORY, dir_fd=directory)
    except FileNotFoundError:
        if not create:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o700, dir_fd=directory)
    os.fsync(directory)
    return os.open(part, _DIRECTORY, dir_fd=directory)


def _below(directory: int, prefix: str) -> Iterator[Stored]:
    """Yield the files below a directory, which is closed then."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith(PREFIX):
                    continue
                yield from _entry(directory, entry, prefix)
    finally:
        os.close(directory)


def _entry(directory: int, entry: os.DirEntry[str], prefix: str) -> Iterator[Stored]:
    key = prefix + entry.name
    try:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            yield Stored(key, status.st_size, int(status.st_mtime))
        elif stat.S_ISDIR(status.st_mode):
            below = os.open(entry.name, _DIRECTORY, dir_fd=directory)
            yield from _below(below, f"{key}/")
    except FileNotFoundError:
        return  # removed meanwhile


def _exactly(file: io.FileIO, size: int | None) -> bytes:
    if size is None:
        return file.readall()
    parts = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@contextlib.contextmanager
def _translated(doing: str, key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _meaning_of(error, doing, key) from error


def _meaning_of(error: OSError, doing: str, key: str) -> CoresnapError:
    if error.errno in _NOT_THERE:
        return MissingError(f"no such object: {key}")
    message = f"cannot {doing} {key}: {error.strerror or error}"
    if error.errno in _FULL:
        return NoSpaceError(
            message, remedy="Free space below the store's directory, or lower quotas."
        )
    return StorageError(message)
