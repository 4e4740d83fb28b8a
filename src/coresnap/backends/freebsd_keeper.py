"""The part of coresnapd that stays root on FreeBSD: it opens cores for the daemon.

The kernel gives a core to the user that crashed, mode 0600, and no handler of ours runs
as root. So before the daemon gives up its rights it leaves this process behind, which
reads no byte of a core: it lists drop directories, opens what stands in them, and
passes the descriptor. What it is asked for cannot name anything outside of them.

A request is one line of JSON. An answer is its length (u32, the machine's order), with
which a descriptor may come, and JSON.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import socket
import struct
from collections.abc import Sequence
from typing import Any, NoReturn

import attrs

from coresnap.backends.apart import set_apart
from coresnap.backends.freebsd_drops import Box, DroppedFile

__all__ = ["Keeper", "start_keeper"]

_LENGTH = struct.Struct("=I")
_REQUEST_LIMIT = 256 << 10
_WANTED_LIMIT = 100
"""Names that are asked for at once: 255 bytes each, six characters for one at worst."""
_ANSWER_LIMIT = 64 << 20


class Keeper:
    """The daemon's end: a ``Box`` that another process opens."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        """Speak through ``connection`` with the process ``pid``."""
        self.pid = pid
        self._connection = connection

    def files(self, names: Sequence[str] = ()) -> list[DroppedFile]:
        """Return what stands in the drop directories, ``names`` in any case."""
        answer, _ = self._ask("files", list(names)[:_WANTED_LIMIT])
        return [DroppedFile(**said) for said in answer["files"]]

    def open(self, file: DroppedFile) -> int:
        """Return a descriptor of the file."""
        _, fd = self._ask("open", attrs.asdict(file))
        if fd is None:
            raise OSError(errno.EPROTO, "the keeper sent no descriptor")
        return fd

    def remove(self, file: DroppedFile) -> None:
        """Remove the file."""
        self._ask("remove", attrs.asdict(file))

    def close(self) -> None:
        """Let the process end, and wait for that."""
        self._connection.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _ask(
        self, verb: str, said: list[str] | dict[str, Any]
    ) -> tuple[dict[str, Any], int | None]:
        self._connection.sendall(json.dumps([verb, said]).encode() + b"\n")
        head, fds, _, _ = socket.recv_fds(self._connection, _LENGTH.size, 1)
        for fd in fds:
            os.set_inheritable(fd, False)
        try:
            head += _receive(self._connection, _LENGTH.size - len(head))
            answer = json.loads(_receive(self._connection, _LENGTH.unpack(head)[0]))
            if (number := answer.get("errno")) is not None:
                raise OSError(number, answer["message"])
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise
        return answer, fds[0] if fds else None


def _receive(connection: socket.socket, size: int) -> bytes:
    """Return ``size`` bytes. Raises OSError if the other side has ended."""
    if size > _ANSWER_LIMIT:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise OSError(errno.EPIPE, "the keeper of the drop directory has ended")
        data += piece
    return bytes(data)


def start_keeper(box: Box) -> Keeper:
    """Leave a process behind that opens ``box``; call it while still root."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        _be_keeper(box, theirs)
    theirs.close()
    return Keeper(pid, ours)


def _be_keeper(box: Box, daemon: socket.socket) -> NoReturn:
    code = 1
    # Nothing may return into the parent's program, whatever happens here.
    try:
        set_apart()  # we end with the daemon
        last = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        os.closerange(3, daemon.fileno())
        os.closerange(daemon.fileno() + 1, last)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        serve(box, daemon)
        code = 0
    finally:
        os._exit(code)


def serve(box: Box, daemon: socket.socket) -> None:
    """Answer until the daemon ends, or says what makes no sense."""
    with daemon.makefile("rb") as requests:
        while line := requests.readline(_REQUEST_LIMIT):
            fd = None
            try:
                answer, fd = _answer(box, line)
            except OSError as error:
                answer = {"errno": error.errno or errno.EIO, "message": str(error)}
            _send(daemon, answer, fd)


def _answer(box: Box, line: bytes) -> tuple[dict[str, Any], int | None]:
    verb, file = _request(line)
    if not isinstance(file, DroppedFile):
        return {"files": [attrs.asdict(one) for one in box.files(file)]}, None
    if verb == "open":
        return {}, box.open(file)
    box.remove(file)
    return {}, None


def _request(line: bytes) -> tuple[str, DroppedFile | list[str]]:
    """Return verb and file, or names. Raises OSError for what no daemon would ask."""
    try:
        verb, said = json.loads(line)
        if verb == "files" and all(isinstance(name, str) for name in said):
            return verb, list(said)
        if verb in ("open", "remove"):
            file = DroppedFile(**said)
            texts, number = (file.name, file.place), file.jid
            if all(isinstance(t, str) for t in texts) and isinstance(number, int):
                return verb, file
    except (ValueError, TypeError, RecursionError) as error:
        raise OSError(errno.EINVAL, "a request that makes no sense") from error
    raise OSError(errno.EINVAL, "a request that makes no sense")


def _send(daemon: socket.socket, answer: dict[str, Any], fd: int | None) -> None:
    data = json.dumps(answer).encode()
    head = _LENGTH.pack(len(data))
    if fd is None:
        daemon.sendall(head + data)
        return
    try:
        socket.send_fds(daemon, [head], [fd])
    finally:
        os.close(fd)
    daemon.sendall(data)
