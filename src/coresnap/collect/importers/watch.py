"""Watches a directory and imports what comes into it, once its writer is done.

By looking again and again, not by inotify: that says nothing on a network filesystem,
loses events when its queue is full, and what was there before must be looked at anyway.
A core that is still written is told by its size and time, and, where the kernel grants
leases, by asking it whether anybody has the file open for writing (fcntl(2)).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from coresnap.collect.importers.importer import Importer, Result, files_in
from coresnap.collect.importers.source_file import open_source
from coresnap.errors import CoresnapError, InputError, NoSpaceError

__all__ = ["Watch", "is_being_written"]

_SET_LEASE = getattr(fcntl, "F_SETLEASE", None)  # Linux
_SET_SIGNAL = getattr(fcntl, "F_SETSIG", None)

_State = tuple[int, int, int, int]
"""Device, inode, size and time of change: equal means untouched."""


@attrs.define
class Watch:
    """Looks into directories; each call of ``look`` imports what has settled."""

    importer: Importer
    directories: list[Path]
    interval: float = 2.0
    """Seconds between two looks."""
    sleep: Callable[[float], object] = time.sleep
    _seen: dict[Path, _State] = attrs.field(factory=dict)
    """As each file was at the last look."""
    _done: dict[Path, _State] = attrs.field(factory=dict)
    """As each file was when it was imported, or found to be no core."""

    def run(self) -> Iterator[Result]:
        """Look for ever. Raises AccessError or StorageError if a directory goes."""
        while True:
            yield from self.look()
            self.sleep(self.interval)

    def look(self) -> Iterator[Result]:
        """Import the files that have not changed since the last look.

        What found no room is tried again at the next one.
        """
        seen: dict[Path, _State] = {}
        for path in (file for d in self.directories for file in files_in(d)):
            state = _state(path)
            if state is None:
                continue
            seen[path] = state
            if self._done.get(path) == state or self._seen.get(path) != state:
                continue
            if is_being_written(path):
                continue
            results = list(self.importer.take_file(path, is_named=False))
            if not any(isinstance(r.problem, NoSpaceError) for r in results):
                self._done[path] = state
            yield from results
        self._seen = seen
        self._done = {p: s for p, s in self._done.items() if p in seen}


def is_being_written(path: Path) -> bool:
    """Say whether a process has the file open for writing, as far as it can be told."""
    if _SET_LEASE is None or _SET_SIGNAL is None:
        return False
    try:
        with open_source(path) as source:
            # Who opens it for writing just now is announced by a signal that, unlike
            # SIGIO, does nothing by default.
            with contextlib.suppress(OSError):
                fcntl.fcntl(source.fd, _SET_SIGNAL, signal.SIGURG)
            try:
                fcntl.fcntl(source.fd, _SET_LEASE, fcntl.F_RDLCK)
            except BlockingIOError:
                return True
            except OSError:
                # No leases on this filesystem, or the file is somebody else's.
                return False
            fcntl.fcntl(source.fd, _SET_LEASE, fcntl.F_UNLCK)
    except InputError:
        return False
    except CoresnapError:
        return False
    return False


def _state(path: Path) -> _State | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
