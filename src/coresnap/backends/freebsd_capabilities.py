"""Capability mode for a worker that looks for files by path: reading, and nothing else.

In capability mode (Capsicum) no path can be opened, but what is below an open directory
can, as far as that descriptor's rights go. So the root directory is opened for reading
alone, and the functions by which Python reads files are told to start there. Constants
and layout are those of sys/sys/capsicum.h and sys/sys/caprights.h.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import attrs

__all__ = ["ReadingBelow", "enter_capability_mode", "read_by_descriptor"]

_READ, _SEEK, _MMAP, _LOOKUP = 0x1, 0x4 | 0x8, 0x10, 0x400
_FCNTL, _FLOCK, _FSTAT, _FSTATFS = 0x8000, 0x10000, 0x80000, 0x100000
_RIGHTS = _READ | _SEEK | _MMAP | _LOOKUP | _FCNTL | _FLOCK | _FSTAT | _FSTATFS
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LEADS_NOWHERE = (errno.ENOENT, vars(errno).get("ENOTCAPABLE", errno.ENOENT))
_DESCRIPTOR = re.compile(r"/dev/fd/([0-9]{1,5})\Z")
_Found = TypeVar("_Found")


def enter_capability_mode() -> bool:
    """Leave every path but for reading below the root; False if that is not possible.

    It cannot be undone. What is open stays as it is.
    """
    libc: Any = ctypes.CDLL(None, use_errno=True)
    limit, enter = (getattr(libc, n, None) for n in ("cap_rights_limit", "cap_enter"))
    if limit is None or enter is None:
        return False
    try:
        root = os.open("/", _DIRECTORY)
    except OSError:
        return False
    if limit(root, _rights(_RIGHTS)) != 0 or enter() != 0:
        os.close(root)
        return False
    read_by_descriptor(root)
    return True


def _rights(rights: int) -> Any:  # noqa: ANN401 - ctypes
    """Return struct cap_rights, version 0: two words, each with its index in bit 57."""
    return ctypes.byref((ctypes.c_uint64 * 2)(1 << 57 | rights, 1 << 58))


def read_by_descriptor(root: int) -> None:
    """Let Python's functions that read files by path start at the descriptor ``root``.

    For good, and for the whole process.
    """
    below = ReadingBelow(root, os.getcwd())
    for name in ("open", "stat", "lstat", "readlink", "listdir", "scandir"):
        setattr(os, name, getattr(below, name))
    for module in (io, builtins):
        setattr(module, "open", below.open_file)  # noqa: B010 - mypy knows their types


@attrs.frozen
class ReadingBelow:
    """Functions of ``os`` and ``io`` for paths below the descriptor ``root``."""

    root: int
    here: str
    """What relative paths are relative to."""
    _open: Callable[..., int] = os.open
    _stat: Callable[..., os.stat_result] = os.stat
    _readlink: Callable[..., Any] = os.readlink
    _listdir: Callable[..., Any] = os.listdir
    _scandir: Callable[..., Any] = os.scandir
    _open_file: Callable[..., Any] = io.open

    def open(
        self,
        path: Any,  # noqa: ANN401 - as os.open
        flags: int,
        mode: int = 0o777,
        *,
        dir_fd: int | None = None,
    ) -> int:
        """Do what ``os.open`` does."""
        if dir_fd is None and (fd := _descriptor(path)) is not None:
            # Without fdescfs(5) there are only 0 to 2 in /dev/fd.
            return os.dup(fd)
        return self._following(
            path, dir_fd, lambda p, start: self._open(p, flags, mode, dir_fd=start)
        )

    def stat(
        self,
        path: Any,  # noqa: ANN401 - as os.stat
        *,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> os.stat_result:
        """Do what ``os.stat`` does."""
        if isinstance(path, int):
            return os.fstat(path)
        if dir_fd is None and (fd := _descriptor(path)) is not None:
            return os.fstat(fd)
        if not follow_symlinks:
            place, start = self._below(path, dir_fd)
            return self._stat(place, dir_fd=start, follow_symlinks=False)
        return self._following(
            path, dir_fd, lambda p, start: self._stat(p, dir_fd=start)
        )

    def lstat(self, path: Any, *, dir_fd: int | None = None) -> os.stat_result:  # noqa: ANN401
        """Do what ``os.lstat`` does."""
        return self.stat(path, dir_fd=dir_fd, follow_symlinks=False)

    def readlink(self, path: Any, *, dir_fd: int | None = None) -> Any:  # noqa: ANN401
        """Do what ``os.readlink`` does."""
        place, start = self._below(path, dir_fd)
        return self._readlink(place, dir_fd=start)

    def listdir(self, path: Any = ".") -> Any:  # noqa: ANN401
        """Do what ``os.listdir`` does."""
        if isinstance(path, int):
            return self._listdir(path)
        fd = self.open(path, _DIRECTORY)
        try:
            return self._listdir(fd)
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def scandir(self, path: Any = ".") -> Iterator[Any]:  # noqa: ANN401
        """Do what ``os.scandir`` does in a ``with``; entries have no directory."""
        # Entries ask the descriptor, which so has to live as long as they.
        fd = self.open(path, _DIRECTORY)
        try:
            with self._scandir(fd) as entries:
                yield entries
        finally:
            os.close(fd)

    def open_file(self, file: Any, *words: Any, **named: Any) -> Any:  # noqa: ANN401
        """Do what ``io.open`` does."""
        if isinstance(file, int):
            return self._open_file(file, *words, **named)
        return self._open_file(file, *words, **{"opener": self._opener, **named})

    def _opener(self, path: Any, flags: int) -> int:  # noqa: ANN401
        return self.open(path, flags, 0o666)

    def _following(
        self,
        path: Any,  # noqa: ANN401
        dir_fd: int | None,
        act: Callable[[str, int], _Found],
    ) -> _Found:
        """Act on a path; links to absolute paths, which lead out, are followed here."""
        try:
            return act(*self._below(path, dir_fd))
        except OSError as error:
            text = os.fsdecode(path)
            if dir_fd is not None or not text or error.errno not in _LEADS_NOWHERE:
                raise
            real = os.path.realpath(f"{self.here}/{text}" if text[0] != "/" else text)
            if real == text:
                raise
            return act(*self._below(real, None))

    def _below(self, path: Any, dir_fd: int | None) -> tuple[str, int]:  # noqa: ANN401
        """Return a path that is relative to a descriptor, and that descriptor."""
        text = os.fsdecode(path)
        if not text.startswith("/"):
            if dir_fd is not None or not text:
                return text, self.root if dir_fd is None else dir_fd
            text = f"{self.here}/{text}"
        return text.lstrip("/") or ".", self.root


def _descriptor(path: Any) -> int | None:  # noqa: ANN401
    match = _DESCRIPTOR.match(os.fsdecode(path)) if not isinstance(path, int) else None
    return int(match[1]) if match is not None else None
