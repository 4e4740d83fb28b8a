"""Plays FreeBSD's capability mode on Linux, for a process that is root.

In an empty root directory no path leads anywhere, but for those below a descriptor that
was open before: as in capability mode, and enforced by the kernel. What reads files, or
imports, without going through the descriptor fails.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coresnap.backends.freebsd_capabilities import read_by_descriptor


def enter(empty: Path) -> tuple[str, ...]:
    """Do what ``freebsd_confinement.confine`` does last; ``empty`` is a directory."""
    read_by_descriptor(os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    # What the descriptor's rights leave out, and what is Linux's alone.
    os.stat, os.open = _without_proc(os.stat), _to_read(_without_proc(os.open))
    os.chroot(empty)
    os.chdir("/")
    return ("capability-mode",)


def _without_proc(act: Callable[..., Any]) -> Any:  # noqa: ANN401
    def acted(path: Any, *words: Any, **named: Any) -> Any:  # noqa: ANN401
        if not isinstance(path, int) and os.fsdecode(path).startswith("/proc"):
            raise FileNotFoundError(errno.ENOENT, "there is no /proc", path)
        return act(path, *words, **named)

    return acted


def _to_read(act: Callable[..., Any]) -> Any:  # noqa: ANN401
    def acted(path: Any, flags: int, *words: Any, **named: Any) -> Any:  # noqa: ANN401
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(93, "Capabilities insufficient", path)
        return act(path, flags, *words, **named)

    return acted
