"""devd's socket: one event per record, as long as devd lives and we are fast enough.

/dev/devctl has one reader, devd; what it reads it repeats to who is connected, and
drops who is slow. So a connection that ends is nothing to worry about: it is made
again, and whatever happened meanwhile is found in the drop directory.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from coresnap.backends.freebsd_event import CoredumpEvent, read_event

__all__ = ["SOCKET", "DevdSocket", "is_served"]

SOCKET = Path("/var/run/devd.seqpacket.pipe")

_RECORD_LIMIT = 8192  # DEVCTL_BUFFER is 1024 (sys/kern/subr_bus.c)
_RECONNECT_SECONDS = 5.0


@attrs.define
class DevdSocket:
    """A connection that is made again when it ends."""

    path: Path
    clock: Callable[[], float] = time.monotonic
    _socket: socket.socket | None = None
    _next_try: float = 0.0

    def fileno(self) -> int | None:
        """Return the descriptor to wait on; None while there is no connection."""
        return None if self._socket is None else self._socket.fileno()

    @property
    def wakes_in(self) -> float | None:
        """Seconds until ``connect`` tries again; None while there is a connection."""
        if self._socket is not None:
            return None
        return max(0.0, self._next_try - self.clock())

    def connect(self) -> bool:
        """Connect if there is no connection and it is time; True if there is a new one.

        What happened before it is not told on it.
        """
        if self._socket is not None or self.clock() < self._next_try:
            return False
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(str(self.path))
        except OSError:
            connection.close()
            self._next_try = self.clock() + _RECONNECT_SECONDS
            return False
        connection.setblocking(False)
        self._socket = connection
        return True

    def receive(self) -> CoredumpEvent | None:
        """Return the next core that was told of; None if nothing more is there now."""
        while self._socket is not None:
            try:
                record = self._socket.recv(_RECORD_LIMIT)
            except BlockingIOError:
                return None
            except OSError:
                record = b""
            if not record:
                self.close()
                # devd restarts, or thought us slow: at once would find it as it was.
                self._next_try = self.clock() + _RECONNECT_SECONDS
                return None
            if (event := read_event(record)) is not None:
                return event
        return None

    def close(self) -> None:
        """Close the connection; ``connect`` may follow."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None
        self._next_try = 0.0


def is_served(path: Path) -> bool:
    """Say whether devd runs and lets us listen."""
    devd = DevdSocket(path)
    try:
        return devd.connect()
    finally:
        devd.close()
