"""Which files below a directory are opened, by whom ever: inotify(7)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

IN_OPEN = 0x20
IN_NONBLOCK = os.O_NONBLOCK
EVENT = struct.Struct("=iIII")


@attrs.frozen
class Opened:
    """Watches files, and directories with what is right below them."""

    _fd: int
    _paths: dict[int, Path]

    def watch(self, *paths: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        for path in paths:
            watch = libc.inotify_add_watch(self._fd, os.fsencode(path), IN_OPEN)
            if watch < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", str(path))
            self._paths[watch] = path

    def names(self) -> set[str]:
        """Return paths that were opened since the last call."""
        found: set[str] = set()
        try:
            events = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return found
        while events:
            watch, _, _, size = EVENT.unpack_from(events)
            name = events[EVENT.size : EVENT.size + size].rstrip(b"\0").decode()
            path = self._paths[watch]
            found.add(str(path / name if name else path))
            events = events[EVENT.size + size :]
        return found


@contextmanager
def opened(*paths: Path) -> Iterator[Opened]:
    """Watch ``paths`` for a while."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(IN_NONBLOCK)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    try:
        result = Opened(fd, {})
        result.watch(*paths)
        yield result
    finally:
        os.close(fd)
