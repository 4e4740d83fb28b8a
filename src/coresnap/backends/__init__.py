"""CAPTURE: intimate with a running operating system, and the only part that is.

This is the one place in the project that reads ``sys.platform``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from coresnap.errors import UnsupportedSystemError

if TYPE_CHECKING:
    from coresnap.backends.base import CaptureBackend
    from coresnap.config import Config

__all__ = ["confine", "select"]


def select(config: Config) -> CaptureBackend:
    """Return the backend of the system this runs on.

    Raises UnsupportedSystemError where there is none.
    """
    if sys.platform == "linux":
        from coresnap.backends.linux import LinuxBackend

        return LinuxBackend(config)
    if sys.platform.startswith("freebsd"):
        from coresnap.backends.freebsd import FreeBSDBackend

        return FreeBSDBackend(config)
    raise UnsupportedSystemError(f"no capture on {sys.platform}")


def confine() -> tuple[str, ...]:
    """Do what ``confine`` of the backend does, in a program that has no settings.

    It should have imported what it needs: FreeBSD lets it load nothing any more.
    """
    if sys.platform == "linux":
        from coresnap.backends import linux_confinement

        return linux_confinement.confine()
    if sys.platform.startswith("freebsd"):
        from coresnap.backends import freebsd_confinement

        return freebsd_confinement.confine()
    return ()
