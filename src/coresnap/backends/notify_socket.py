"""The datagram socket on which a handler tells the daemon of a committed archive.

A datagram begins with an archive's id, 32 lower-case hex digits; with ``refused`` for a
crash that could not be archived; or with ``suppressed`` for one of too many, which is
only counted. ``pid=N``, ``signal=N`` and ``kind=K`` may follow. It is a hint, sent
without waiting: the spool's listing is the truth, a lost hint costs time only.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import time
from pathlib import Path

from coresnap.crash import Crash
from coresnap.errors import AccessError, CaptureError

__all__ = ["NotifySocket", "send"]

_HINT = re.compile(r"([0-9a-f]{32}|refused|suppressed)((?: [a-z]+=\S*)*)\s*")
_NOT_ARCHIVED = ("refused", "suppressed")
_DATAGRAM_LIMIT = 512


class NotifySocket:
    """The daemon's end: bound to ``path``, for its owner and root only."""

    def __init__(self, path: Path, owner: tuple[int, int] | None) -> None:
        """Bind to ``path``; ``owner`` (uid, gid) gets the socket and its directory.

        Raises AccessError or CaptureError if that is not possible.
        """
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._bind(owner)
        except PermissionError as error:
            self._socket.close()
            raise AccessError(f"cannot listen on {path}: {error.strerror}") from error
        except OSError as error:
            self._socket.close()
            raise CaptureError(f"cannot listen on {path}: {error}") from error

    def _bind(self, owner: tuple[int, int] | None) -> None:
        directory = self.path.parent
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            if owner is not None:
                os.chown(directory, *owner, follow_symlinks=False)
        # Whoever starts a second daemon holds the journal's lock first, so a socket
        # that is still here was left behind by one that died.
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        # The mask, not a chmod afterwards: there is no moment to connect before it.
        mask = os.umask(0o177)
        try:
            self._socket.bind(str(self.path))
        finally:
            os.umask(mask)
        if owner is not None:
            os.chown(self.path, *owner, follow_symlinks=False)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def receive(self, timeout: float | None) -> Crash | None:
        """Return the next hint, or None after ``timeout`` seconds."""
        while select.select([self._socket], [], [], timeout)[0]:
            with contextlib.suppress(BlockingIOError):
                crash = _parse(self._socket.recv(_DATAGRAM_LIMIT))
                if crash is not None:
                    return crash
        return None

    def close(self) -> None:
        """Close and remove the socket."""
        self._socket.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


def _parse(data: bytes) -> Crash | None:
    match = _HINT.fullmatch(data.decode("ascii", "replace"))
    if match is None:
        return None
    said = dict(word.split("=", 1) for word in match[2].split())
    return Crash(
        pid=_number(said.get("pid")),
        signal=_number(said.get("signal")),
        time=time.time_ns(),
        archive_id=match[1] if match[1] not in _NOT_ARCHIVED else None,
        kind=_kind(said.get("kind", "")),
    )


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"[0-9]{1,10}", text) else 0


def _kind(text: str) -> str | None:
    return text if re.fullmatch(r"[0-9a-f]{16}", text) else None


def send(path: Path, archive_id: str) -> bool:
    """Send a hint; False if nobody listens, or not to us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(archive_id.encode(), str(path))
        except BlockingIOError:
            return True  # the daemon is there and busy; it scans the spool anyway
        except OSError:
            return False
    return True
