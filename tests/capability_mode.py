"""Plays FreeBSD's capability mode on Linux, for a process that is root.

In an empty root directory no path leads anywhere, but for those below a descriptor that
was open before: as in capability mode, and enforced by the kernel. What reads files, or
imports, without going through the descriptor fails.
"""

from __future__ import annotations

import os
from pathlib import Path

from coresnap.backends.freebsd_capabilities import read_by_descriptor


def enter(empty: Path) -> tuple[str, ...]:
    """Do what ``freebsd_confinement.confine`` does last; ``empty`` is a directory."""
    read_by_descriptor(os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    os.chroot(empty)
    os.chdir("/")
    return ("capability-mode",)
