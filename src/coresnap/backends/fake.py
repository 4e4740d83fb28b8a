"""A backend in memory: for tests, and for authors of others as an example."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import attrs

from coresnap.backends.base import (
    Capabilities,
    CaptureBackend,
    CaptureStatus,
    Finding,
    Level,
    ProcessDescription,
)
from coresnap.crash import Crash
from coresnap.errors import CaptureError, HandlerConflictError, MissingError

__all__ = ["FakeBackend"]

_OURS = "coresnap"


@attrs.define
class FakeBackend(CaptureBackend):
    """Keeps the OS's one setting, its processes and its announcements in memory.

    ``owner`` is who has the crashes before ``install``. Tests put crashes in with
    ``crash`` and processes with ``processes``.
    """

    system = "Fake"

    owner: str = "the kernel"
    processes: dict[int, ProcessDescription] = attrs.field(factory=dict)
    previous: str | None = None
    announced: deque[Crash] = attrs.field(factory=deque)
    pipe: tuple[int, int] | None = None
    """Read and write end, so that waiting works as with a socket; None if closed."""

    @property
    def capabilities(self) -> Capabilities:
        """Drop files like FreeBSD, describe like Linux."""
        return Capabilities(
            pipe=False,
            socket=False,
            waits=False,
            pidfd=False,
            context_from_process=False,
            drop_directory=True,
        )

    def install(self, *, replace: bool = False) -> CaptureStatus:
        """Take the crashes from ``owner``."""
        if self.owner not in (_OURS, "the kernel") and not replace:
            raise HandlerConflictError(f"{self.owner} handles the crashes")
        if self.owner != _OURS:
            self.previous, self.owner = self.owner, _OURS
        return self.status()

    def uninstall(self) -> CaptureStatus:
        """Give the crashes back."""
        problems: tuple[str, ...] = ()
        if self.owner == _OURS:
            self.owner = self.previous or "the kernel"
        elif self.previous is not None:
            problems = (f"{self.owner} took the crashes since: left alone",)
        self.previous = None
        return attrs.evolve(self.status(), problems=problems)

    def refresh(self) -> tuple[str, ...]:
        """Nothing on the OS's side reads settings."""
        return ()

    def status(self) -> CaptureStatus:
        """Say who has the crashes."""
        return CaptureStatus(
            system=self.system,
            installed=self.owner == _OURS,
            owner=self.owner,
            settings={"owner": self.owner},
        )

    def listen(self) -> None:
        """Open the pipe."""
        if self.pipe is None:
            self.pipe = os.pipe()
        for _ in self.announced:
            os.write(self.pipe[1], b"!")

    def waitables(self) -> Sequence[int]:
        """Return the pipe's read end."""
        return [] if self.pipe is None else [self.pipe[0]]

    def receive(self, timeout: float | None) -> Crash | None:
        """Return the next crash; there is no waiting for what nobody can send."""
        if self.pipe is None:
            raise CaptureError("listen() comes before receive()")
        if not self.announced:
            return None
        os.read(self.pipe[0], 1)
        return self.announced.popleft()

    def open_core(self, crash: Crash) -> int:
        """Open the file that the test has put there."""
        try:
            return os.open(crash.core_path or "", os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise MissingError(f"no core at {crash.core_path}") from error

    def remove_core(self, crash: Crash) -> None:
        """Remove that file."""
        Path(crash.core_path or "").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the pipe."""
        for fd in self.pipe or ():
            os.close(fd)
        self.pipe = None

    def crash(self, crash: Crash) -> None:
        """Let the OS announce ``crash``."""
        self.announced.append(crash)
        if self.pipe is not None:
            os.write(self.pipe[1], b"!")

    def announce(self, archive_id: str) -> bool:
        """Announce an archive that is in the spool."""
        self.crash(Crash(pid=0, signal=0, time=0, archive_id=archive_id))
        return self.pipe is not None

    def describe(self, pid: int) -> ProcessDescription:
        """Return one of ``processes``."""
        if pid not in self.processes:
            raise MissingError(f"there is no process {pid}")
        return self.processes[pid]

    def diagnose(self, pid: int | None = None) -> tuple[Finding, ...]:
        """Say who has the crashes."""
        level = Level.OK if self.owner == _OURS else Level.FAIL
        remedy = "" if level is Level.OK else "install()"
        finding = Finding("owner", level, f"{self.owner} has the crashes", remedy)
        if pid is not None and pid not in self.processes:
            return finding, Finding("process", Level.WARN, f"no process {pid}", "")
        return (finding,)

    def confine(self) -> tuple[str, ...]:
        """Take nothing away."""
        return ()

    def confine_sender(self, writable: Sequence[Path]) -> tuple[str, ...]:
        """Take nothing away."""
        return ()

    def confine_watcher(
        self, unreadable: Path, writable: Sequence[Path]
    ) -> tuple[str, ...]:
        """Take nothing away."""
        return ()
