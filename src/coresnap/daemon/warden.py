"""The part of coresnapd that stays root: it looks after the server of the socket.

The daemon gives its rights up before it reads anything that a crash brought. What needs
them, the coredump socket and ``core_pattern``, is left to this process, which reads
nothing at all: it starts the handler's program as a server, and core_pattern names the
socket only while that serves. The pipe comes back when

- the daemon ends, however: its end of a connection closes;
- the server ends: it is started again, but not for ever;
- this process ends: the server sees that, and puts the pipe back itself
  (native/catch/serve.c).
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
import subprocess
import time
from collections import deque
from pathlib import Path

import attrs

from coresnap.backends.apart import set_apart
from coresnap.backends.base import Door
from coresnap.backends.linux_files import check_trusted
from coresnap.daemon.log import Logger
from coresnap.errors import CaptureError, CoresnapError
from coresnap.model.message_id import MessageId

__all__ = ["Warden", "start_warden"]

BACKLOG = 65535
"""Crashes that may wait to be accepted; the kernel takes net.core.somaxconn if that is
less. One more is lost, for it does not wait for room."""
RESTARTS = 5
RESTART_SECONDS = 600.0
"""So many new servers within so long, then crashes stay with the pipe."""
_READY_SECONDS = 10.0
_END_SECONDS = 60.0
"""How long a server may be busy with what came last; then it goes on alone."""


@attrs.frozen
class Warden:
    """The daemon's end: as long as it is open, the socket is served."""

    pid: int
    _connection: socket.socket

    def __enter__(self) -> Warden:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go back to the pipe, and return when that is done."""
        self._connection.close()
        os.waitpid(self.pid, 0)


def start_warden(door: Door, log: Logger) -> Warden:
    """Start the process that serves ``door``; call it while still root.

    Returns when crashes come through the socket, or when it is known that they do not;
    ``log`` is told which, and why.
    """
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _be_warden(door, theirs, log)
    theirs.close()
    ours.settimeout(2 * _READY_SECONDS)
    with contextlib.suppress(OSError):
        ours.recv(1)
    return Warden(pid, ours)


def _be_warden(door: Door, daemon: socket.socket, log: Logger) -> None:
    code = 1
    try:
        set_apart()
        door.enter()
        _guard(door, daemon, log)
        code = 0
    except CoresnapError as error:
        _say_pipe(log, error, error.remedy)
    except OSError as error:
        _say_pipe(log, error, None)
    finally:
        with contextlib.suppress(CoresnapError):
            door.shut()
        os._exit(code)


def _say_pipe(log: Logger, error: Exception, remedy: str | None) -> None:
    log.error(
        f"crashes come through the pipe: {error}",
        message_id=MessageId.PIPE_ONLY,
        remedy=remedy,
    )


def _guard(door: Door, daemon: socket.socket, log: Logger) -> None:
    """Serve until the daemon ends; raise if it cannot be served (any more)."""
    starts: deque[float] = deque(maxlen=RESTARTS + 1)
    with _listen(door) as listener:
        bound = door.path.lstat().st_ino
        try:
            while not _is_over(daemon):
                starts.append(time.monotonic())
                if len(starts) > RESTARTS and starts[-1] - starts[0] < RESTART_SECONDS:
                    raise CaptureError(
                        f"the server of {door.path} ended {RESTARTS} times",
                        remedy="The kernel's log says why; then restart coresnapd.",
                    )
                _serve(door, listener, daemon, log)
        finally:
            # The next daemon may have bound its own meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if door.path.lstat().st_ino == bound:
                    door.path.unlink()


def _serve(
    door: Door, listener: socket.socket, daemon: socket.socket, log: Logger
) -> None:
    """Run one server until it or the daemon ends."""
    ours, theirs = socket.socketpair()
    nothing: dict[str, str] = {}
    with ours:
        with theirs:
            server = subprocess.Popen(
                list(door.command),
                stdin=listener.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=nothing,
                start_new_session=True,
            )
        try:
            _wait_until_ready(ours, door)
            door.open()
            log.info(
                f"crashes come through the socket {door.path}",
                message_id=MessageId.SOCKET_SERVED,
            )
            with contextlib.suppress(OSError):
                daemon.send(b"!")
            select.select([ours, daemon], [], [])
        finally:
            door.shut()
    over = _is_over(daemon)
    try:
        code = server.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        return
    if not over:
        log.warning(f"the server of {door.path} ended ({code}): it is started again")


def _wait_until_ready(server: socket.socket, door: Door) -> None:
    server.settimeout(_READY_SECONDS)
    try:
        ready = server.recv(1)
    except TimeoutError:
        ready = b""
    if not ready:
        raise CaptureError(
            f"{door.command[0]} does not serve {door.path}",
            remedy="Run `coresnap install` again; the kernel's log says more.",
        )


def _is_over(daemon: socket.socket) -> bool:
    return bool(select.select([daemon], [], [], 0)[0])


def _listen(door: Door) -> socket.socket:
    """Bind the socket, for root alone, where nobody can put another in its place.

    Raises CaptureError if others than root and the archive's owner could.
    """
    _prepare_directory(door.path.parent, door.owner)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(door.path.lstat().st_mode):
            raise CaptureError(
                f"{door.path} is in the way, and no socket",
                remedy="Remove it, or change door.socket.",
            )
        door.path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(door.path))
    except OSError as error:
        listener.close()
        raise CaptureError(f"cannot bind {door.path}: {error.strerror}") from error
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener


def _prepare_directory(directory: Path, owner: int) -> None:
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    check_trusted(directory.parent)
    status = directory.lstat()
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (0, owner) or others:
        raise CaptureError(
            f"{directory} can be changed by others, who would get the crashes",
            remedy="Set door.socket to a path in a directory of root.",
        )
