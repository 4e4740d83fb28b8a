"""The children that read snapshots, and how the server asks them."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time

import attrs
import msgspec

from coresnap.errors import InputError, NetworkError, SnapshotFormatError
from coresnap.snapshot.scrubbing.rules import Rules
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.server.call import Staged
from coresnap.store.server.validation.messages import Finding, Question, receive, send
from coresnap.store.symbols.symbol_file import SymbolFile

__all__ = ["Validators"]

_MODULE = "coresnap.store.server.validation.child"
_REUSED = 10_000
"""Snapshots after which a child is replaced: what leaks ends then."""
_STARVED = 3
"""Times the seconds that a child may compute (RLIMIT_CPU) after which it is given up:
it did not get them, because the machine is busy with others."""
_PATIENCE = 20.0
"""Seconds until a child must be free."""


@attrs.define
class _Child:
    process: subprocess.Popen[bytes]
    connection: socket.socket
    asked: int = 0
    patience: int = 0

    def set_patience(self, seconds: int) -> None:
        """Let sending and receiving fail after so long.

        The kernel minds the time: Python's own time limit asks it two more questions
        each time, and lets other threads go first at each.
        """
        if seconds == self.patience:
            return
        limit = struct.pack("@ll", seconds, 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.connection.setsockopt(socket.SOL_SOCKET, option, limit)
        self.patience = seconds

    def end(self) -> None:
        self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@attrs.define
class Validators:
    """At most ``count`` children, each with bounded memory (bytes) and time (seconds)
    for a snapshot. May be used from several threads."""

    count: int
    memory: int
    seconds: int
    replaced: int = 0
    """How many children died, hung, or had too little memory."""
    _idle: queue.LifoQueue[_Child | None] = attrs.field(factory=queue.LifoQueue)
    """None stands for a child that is not started yet."""
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        for _ in range(self.count):
            self._idle.put(None)

    def start(self) -> None:
        """Start the children now, so that the first snapshot need not wait."""
        for _ in range(self.count):
            child = self._idle.get()
            self._idle.put(child or self._start())

    def read(self, staged: Staged, rules: Rules | None = None) -> Arrival:
        """Return what a snapshot says, without what ``rules`` takes out of it.

        Raises SnapshotFormatError for what is no snapshot, InputError for one that is
        too expensive to read, and NetworkError if all children stay busy.
        """
        question = Question(staged.digest, int(time.time()), rules)
        finding = self._find(question, staged)
        if finding.arrival is None:
            raise SnapshotFormatError(finding.reason, remedy=finding.remedy)
        return finding.arrival

    def read_symbols(self, staged: Staged) -> SymbolFile:
        """Return what a symbol file is; raise InputError, NetworkError as ``read``."""
        finding = self._find(Question("", 0), staged)
        if finding.symbols is None:
            raise InputError(finding.reason, remedy=finding.remedy)
        return finding.symbols

    def _find(self, question: Question, staged: Staged) -> Finding:
        try:
            child = self._idle.get(timeout=_PATIENCE)
        except queue.Empty:
            raise NetworkError("all that read snapshots are busy") from None
        try:
            child = child or self._start()
            finding = self._ask(child, question, staged)
        except BaseException:
            self._replace(child)
            raise
        if finding.is_last:
            self._replace(child)
        else:
            self._reuse(child)
        return finding

    def _ask(self, child: _Child, question: Question, staged: Staged) -> Finding:
        child.asked += 1
        child.set_patience(self.seconds * _STARVED)
        limit = staged.size * 2 + (1 << 24)
        try:
            body = msgspec.msgpack.encode(question)
            send(child.connection, body, staged.file.fileno())
            answer, strangers = receive(child.connection, limit)
            for descriptor in strangers:
                os.close(descriptor)
            return msgspec.msgpack.decode(answer, type=Finding)
        except (TimeoutError, BlockingIOError):
            raise NetworkError(
                "the server is too busy to read the snapshot",
                remedy="Send it again later.",
            ) from None
        except (EOFError, OSError, ValueError, msgspec.DecodeError):
            raise InputError(
                "whoever read the snapshot died of it, or of its limits: "
                f"{self.memory >> 20} MiB of memory, {self.seconds} seconds"
            ) from None

    def _start(self) -> _Child:
        ours, theirs = socket.socketpair()
        with theirs:
            words = [theirs.fileno(), self.memory, self.seconds]
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, *map(str, words)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
            )
        return _Child(process, ours)

    def _reuse(self, child: _Child) -> None:
        if child.asked >= _REUSED:
            child.end()
            self._idle.put(None)
        else:
            self._idle.put(child)

    def _replace(self, child: _Child | None) -> None:
        if child is not None:
            child.end()
        with self._lock:
            self.replaced += 1
        self._idle.put(None)

    def close(self) -> None:
        """End all children, once they are free; one that does not become free ends
        with this process, whose end of the connection it sees."""
        for _ in range(self.count):
            with contextlib.suppress(queue.Empty):
                child = self._idle.get(timeout=_PATIENCE)
                if child is not None:
                    child.end()
