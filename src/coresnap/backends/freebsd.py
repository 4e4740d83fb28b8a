"""FreeBSD: kern.corefile into a drop directory, devd's event, the core's own notes.

The kernel has no pipe. It writes a file, then announces it on devctl after the process
is gone, so there is nothing to wait for and no process left to ask: the contract's
``Crash.core_path`` and the notes take the place of handler and /proc.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from coresnap.backends.base import (
    Capabilities,
    CaptureBackend,
    CaptureStatus,
    Finding,
    ProcessDescription,
)
from coresnap.backends.notify_socket import send
from coresnap.backends.process import describe
from coresnap.config import Config
from coresnap.crash import Crash
from coresnap.errors import UnsupportedSystemError

__all__ = ["FreeBSDBackend"]


class FreeBSDBackend(CaptureBackend):
    """Declares what FreeBSD can do; catching crashes on it is not there yet."""

    system = "FreeBSD"

    def __init__(self, config: Config) -> None:
        """Serve the paths and the user that ``config`` names."""
        self._config = config

    @property
    def capabilities(self) -> Capabilities:
        """What every FreeBSD since 10.4 offers."""
        return Capabilities(
            pipe=False,
            socket=False,
            waits=False,
            pidfd=False,
            context_from_process=False,
            drop_directory=True,
        )

    def install(self, *, replace: bool = False) -> CaptureStatus:
        """Not yet: kern.corefile and kern.coredump_devctl."""
        _refuse("setting kern.corefile")

    def uninstall(self) -> CaptureStatus:
        """Not yet: kern.corefile and kern.coredump_devctl."""
        _refuse("restoring kern.corefile")

    def refresh(self) -> tuple[str, ...]:
        """Nothing is installed, so nothing reads settings."""
        return ()

    def status(self) -> CaptureStatus:
        """Say that crashes are the kernel's."""
        return CaptureStatus(
            system=self.system, installed=False, owner="the kernel", settings={}
        )

    def listen(self) -> None:
        """Not yet: devd's seqpacket socket."""
        _refuse("listening to devd")

    def waitables(self) -> Sequence[int]:
        """Return nothing to wait on."""
        return []

    def receive(self, timeout: float | None) -> Crash | None:
        """Not yet: devd's coredump event."""
        _refuse("listening to devd")

    def close(self) -> None:
        """Nothing is open."""

    def announce(self, archive_id: str) -> bool:
        """Send a hint to the daemon."""
        return send(self._config.socket, archive_id)

    def describe(self, pid: int) -> ProcessDescription:
        """Read the process through psutil."""
        return describe(pid)

    def diagnose(self, pid: int | None = None) -> tuple[Finding, ...]:
        """Not yet: kern.coredump, limits, the drop directory's owner."""
        _refuse("looking for reasons on FreeBSD")

    def confine(self) -> tuple[str, ...]:
        """Take nothing away yet: Capsicum."""
        return ()

    def confine_sender(self, writable: Sequence[Path]) -> tuple[str, ...]:
        """Take nothing away yet."""
        return ()


def _refuse(what: str) -> NoReturn:
    raise UnsupportedSystemError(f"{what} is not part of this version")
