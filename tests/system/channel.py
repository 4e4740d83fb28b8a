"""The way into the guest: commands over a virtual serial port."""

from __future__ import annotations

import json
import shlex
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs

from system.host import TroubleError

__all__ = ["Channel", "Ended", "GuestError"]

T = TypeVar("T")


class GuestError(TroubleError):
    """A command in the guest failed, or the guest does not answer."""


@attrs.frozen
class Ended:
    """A process of the guest that has ended."""

    words: tuple[str, ...]
    pid: int
    status: int | None
    """As of wait(2); None if it was killed at its time limit."""
    out: str
    err: str
    start: int
    """Nanoseconds UTC of the guest's clock, as ``end``."""
    end: int

    @property
    def code(self) -> int | None:
        """The exit code; None if a signal ended it."""
        if self.status is None or self.status & 0x7F:
            return None
        return self.status >> 8

    @property
    def signal(self) -> int:
        """The signal that ended it; 0 if none."""
        return 9 if self.status is None else self.status & 0x7F


@attrs.define
class Channel:
    """The connection to the guest's agent."""

    path: Path
    _socket: socket.socket | None = None
    _rest: bytes = b""
    _next: int = 0

    def wait_for_boot(self, seconds: float) -> str:
        """Return the id of the boot that begins, once its agent runs."""
        deadline = time.monotonic() + seconds
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(str(self.path))
        while True:
            line = self._line(deadline)
            if "boot" in line:
                return str(line["boot"])

    def close(self) -> None:
        """Forget the connection: the machine is off."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def run(self, *words: str, timeout: float = 600, user: int | None = None) -> Ended:
        """Run a program in the guest and wait for its end."""
        number = self.begin(*words, timeout=timeout, user=user)
        deadline = time.monotonic() + timeout + 30
        while True:
            line = self._line(deadline)
            if line.pop("id", None) == number:
                return Ended(words, **line)

    def begin(self, *words: str, timeout: float = 600, user: int | None = None) -> int:
        """Run a program, and do not wait: for what ends the guest."""
        if self._socket is None:
            raise GuestError("the guest is off")
        self._next += 1
        request = {"id": self._next, "words": words, "timeout": timeout, "user": user}
        self._socket.settimeout(30)
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        return self._next

    def output(self, *words: str, timeout: float = 600) -> str:
        """Run a program that has to succeed, and return its standard output."""
        ended = self.run(*words, timeout=timeout)
        if ended.code != 0:
            how = f"signal {ended.signal}" if ended.code is None else str(ended.code)
            said = (ended.out + ended.err)[-2000:]
            raise GuestError(f"in the guest: {shlex.join(words)}: {how}\n{said}")
        return ended.out

    def shell(self, script: str, timeout: float = 600) -> str:
        """Run a shell script that has to succeed, and return its standard output."""
        return self.output("/bin/sh", "-ec", script, timeout=timeout)

    def json(self, *words: str, timeout: float = 600) -> Any:  # noqa: ANN401
        """Run a program, and return what it printed as JSON."""
        text = self.output(*words, timeout=timeout)
        try:
            return json.loads(text)
        except ValueError:
            raise GuestError(f"{shlex.join(words)}: no JSON: {text[:500]!r}") from None

    def wait_until(
        self, look: Callable[[], T | None], seconds: float, pause: float = 1
    ) -> T | None:
        """Look until there is something to see, or for so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            if seen := look():
                return seen
            if time.monotonic() > deadline:
                return None
            time.sleep(pause)

    def write(self, path: Path | str, text: str, mode: str = "0644") -> None:
        """Write a file of the guest."""
        script = 'printf %s "$2" >"$1" && chmod "$3" "$1"'
        self.output("/bin/sh", "-c", script, "sh", str(path), text, mode)

    def _line(self, deadline: float) -> dict[str, Any]:
        assert self._socket is not None
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError("the guest does not answer; see its console")
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 20)
            except TimeoutError:
                continue
            if not data:
                raise GuestError("the guest is off; see its console")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            return {}  # the half of an answer that a reset cut off
        return found
