"""Keeps decompressed debug information for workers, by a process that sees no core.

A worker may write nothing, and what it says may be an attacker's words. So it only says
which debug files it used; afterwards a process that has never seen a core decompresses
them into the cache, if they are root's and nobody else could have written them
(docs/adr/0020).
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import attrs

from coresnap.config import Config
from coresnap.daemon.child import become_owner, shed_inheritance
from coresnap.errors import WorkerError

__all__ = ["DebugKeeper", "take_debug_files"]

_MOST_FILES = 64
_SECONDS = 60
_MEMORY = 1 << 30
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def take_debug_files(facts: dict[str, Any]) -> tuple[str, ...]:
    """Take what a worker says of debug files out of its ``facts``."""
    said = facts.pop("debug_files", ())
    if not isinstance(said, list):
        return ()
    return tuple(path for path in said if isinstance(path, str))[:_MOST_FILES]


@attrs.define
class DebugKeeper:
    """Has each debug file looked after once for as long as the daemon runs."""

    _known: set[str] = attrs.field(factory=set)

    def keep(
        self, config: Config, owner: tuple[int, int] | None, paths: Sequence[str]
    ) -> None:
        """Begin, as ``owner``, to decompress the new ones of ``paths``."""
        new = [path for path in paths if path not in self._known]
        if not config.debug_cache or not new:
            return
        if len(self._known) > 16 * _MOST_FILES:
            self._known.clear()
        self._known.update(new)
        # Without room for another process the next worker does the work again.
        with contextlib.suppress(OSError):
            pid = os.fork()
            if pid == 0:
                _run_orphan(config, new, owner)
            os.waitpid(pid, 0)


def _run_orphan(
    config: Config, paths: Sequence[str], owner: tuple[int, int] | None
) -> NoReturn:
    # Nothing may return into the parent's program, whatever happens here. The parent
    # waits for the first child alone; the second one is init's to wait for.
    try:
        gc.disable()
        shed_inheritance(())
        if os.fork() == 0:
            become_owner(owner)
            _limit(config)
            _decompress(config, paths)
        os._exit(0)
    finally:
        os._exit(WorkerError.exit_code)


def _limit(config: Config) -> None:
    for number, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_DATA, _MEMORY),
        (resource.RLIMIT_FSIZE, config.debug_cache_size),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(number, (value, value))


def _decompress(config: Config, paths: Sequence[str]) -> None:
    from coresnap.analysis.debuginfo.debug_cache import DebugCache
    from coresnap.analysis.debuginfo.unpacking import unpacked

    cache = DebugCache(config.decompressed, config.debug_cache_size)
    for path in paths:
        descriptor = _open_trusted(Path(path))
        if descriptor is not None:
            os.close(unpacked(descriptor, cache))


def _open_trusted(path: Path) -> int | None:
    """A regular file of root's that nobody else could have written; else None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    status = os.fstat(descriptor)
    if (
        stat.S_ISREG(status.st_mode)
        and status.st_uid == 0
        and not status.st_mode & _OTHERS_MAY_WRITE
    ):
        return descriptor
    os.close(descriptor)
    return None
