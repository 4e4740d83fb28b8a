"""Linux's second way to hand over a core: it connects to a socket (capture.md).

``core_pattern`` is ``@@PATH`` since Linux 6.17, which asks before it sends, and
``@PATH`` on 6.16 (fs/coredump.c, coredump_parse and coredump_sock_connect). Nobody
starts a server for it, so the pattern may name the socket only while somebody serves
it: a crash that finds nobody there is lost.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

import attrs

from coresnap.backends.base import Capabilities
from coresnap.backends.core_pattern import socket_of
from coresnap.backends.linux_sysctl import CORE_PATTERN, Sysctl
from coresnap.config import Config
from coresnap.errors import CaptureError

__all__ = ["LinuxDoor", "chosen_door", "is_served", "socket_pattern"]

_ASKS_SINCE = (6, 17)
_LISTENING = 0x10000  # __SO_ACCEPTCON, include/linux/net.h
_CLONE_NEWNS = 0x00020000  # include/uapi/linux/sched.h


@attrs.frozen
class LinuxDoor:
    """The socket of ``core_pattern``, for who serves it as root."""

    path: Path
    """Where the kernel connects to."""
    command: tuple[str, ...]
    """The server; it wants the listening socket as standard input, and a connection to
    who started it as standard output, on which it says one byte when it serves."""
    owner: int
    """Who may have the directory beside root: the uid that has the cores anyway."""
    pattern: str
    way_back: str
    _sysctl: Sysctl
    _mounts: Path = Path("/proc/1/ns/mnt")

    def enter(self) -> None:
        """See the machine's filesystems, as the kernel does, from now on.

        A service manager gives a service a view of its own, and the kernel takes a
        socket only from who has the machine's (fs/coredump.c, check_coredump_socket).
        The calling process must be of one thread. Where that is refused all stays as it
        is, and ``open`` may fail.
        """
        with contextlib.suppress(OSError), self._mounts.open("rb") as mounts:
            ctypes.CDLL(None).setns(mounts.fileno(), _CLONE_NEWNS)

    def open(self) -> None:
        """Let crashes come to the socket from now on.

        Raises CaptureError if the kernel refuses, or core_pattern is no longer ours.
        """
        current = self._sysctl.read(CORE_PATTERN)
        if current not in (self.way_back, self.pattern):
            raise CaptureError(
                f"{CORE_PATTERN} is {current!r} by now, and left alone",
                remedy="Run `coresnap install`, then start coresnapd again.",
            )
        try:
            self._sysctl.write(CORE_PATTERN, self.pattern)
        except CaptureError:
            # What the kernel made of it is not known, but it is not what was there.
            self._sysctl.write(CORE_PATTERN, self.way_back)
            raise

    def shut(self) -> None:
        """Let crashes come to the pipe again, if they still come to the socket."""
        if self._sysctl.read(CORE_PATTERN) == self.pattern:
            self._sysctl.write(CORE_PATTERN, self.way_back)


def socket_pattern(path: Path, release: str | None = None) -> str:
    """Return the pattern of the socket ``path``; ``release`` as of uname(2)."""
    words = (release or os.uname().release).split("-")[0].split(".")[:2]
    version = tuple(int(word) for word in words if word.isdigit())
    return f"@@{path}" if version >= _ASKS_SINCE else f"@{path}"


def chosen_door(config: Config, capabilities: Capabilities) -> str:
    """Say through which door crashes come while the daemon runs: pipe or socket."""
    wants = config.door != "pipe"
    return "socket" if wants and capabilities.socket else "pipe"


def is_served(pattern: str, sockets: Path = Path("/proc/net/unix")) -> bool:
    """Say whether somebody listens where ``pattern`` sends crashes to.

    ``sockets`` is read instead of connecting, which the server would take for a crash.
    """
    path = socket_of(pattern)
    for line in sockets.read_text(errors="surrogateescape").splitlines()[1:]:
        # Num: RefCount Protocol Flags Type St Inode Path
        words = line.split(maxsplit=7)
        if words[7:] == [path] and int(words[3], 16) & _LISTENING:
            return True
    return False
