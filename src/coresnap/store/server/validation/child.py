"""The child that reads snapshots: one after the other, and may die of any.

It has no descriptor but its connection and the snapshot, and no room for another; no
privileges, bounded memory and processor time.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
import tempfile

import msgspec

from coresnap.errors import CoresnapError
from coresnap.model import Snapshot
from coresnap.snapshot.container import write_snapshot
from coresnap.store.server.validation.messages import Finding, Question, receive, send
from coresnap.store.server.validation.reading import read_arrival
from coresnap.store.symbols.symbol_file import read_symbol_file

__all__ = ["main"]

_QUESTION_MAX = 1 << 20
_NOBODY = 65534
_CONNECTION = 3
_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000


def main() -> None:
    """Serve the connection on descriptor ``argv[1]`` until it ends; ``argv[2]`` bytes
    of memory and ``argv[3]`` seconds of processor time for each snapshot."""
    number, memory, seconds = (int(word) for word in sys.argv[1:4])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's is for the server
    _warm_up()
    _confine(number, memory)
    connection = socket.socket(fileno=_CONNECTION)
    while True:
        try:
            body, descriptors = receive(connection, _QUESTION_MAX)
        except (EOFError, OSError):
            return
        question = msgspec.msgpack.decode(body, type=Question)
        _allow(seconds)
        finding = _find(question, descriptors[0])
        send(connection, msgspec.msgpack.encode(finding))
        if finding.is_last:
            return


def _find(question: Question, descriptor: int) -> Finding:
    """Return the finding; what is wrong with a snapshot is one."""
    try:
        if not question.digest:
            with os.fdopen(descriptor, "rb") as stream:
                return Finding(symbols=read_symbol_file(stream))
        arrival = read_arrival(descriptor, question.digest, question.received)
        return Finding(arrival)
    except MemoryError:
        reason = "it takes more memory to read than snapshots may take"
        return Finding(reason=reason, is_last=True)
    except CoresnapError as error:
        return Finding(reason=str(error), remedy=error.remedy)


def _warm_up() -> None:
    """Import whatever reading imports: no file can be opened afterwards."""
    with tempfile.TemporaryFile() as file:
        write_snapshot(
            Snapshot("Linux", "x86-64", None, None, None, None), file.fileno()
        )
        read_arrival(os.dup(file.fileno()), "0" * 64, 0)
        file.truncate(10)
        with contextlib.suppress(CoresnapError):
            read_arrival(os.dup(file.fileno()), "0" * 64, 0)
    with contextlib.suppress(CoresnapError), open(sys.executable, "rb") as executable:
        read_symbol_file(executable)


def _confine(connection: int, memory: int) -> None:
    _leave_network()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.dup2(connection, _CONNECTION)
    os.closerange(_CONNECTION + 1, 1 << 16)
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _CONNECTION + 2,  # the last one is the snapshot's
        resource.RLIMIT_NPROC: 0,
    }
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))


def _leave_network() -> None:
    """Enter a network without interfaces, where the system has and allows that."""
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    if unshare is None:
        return
    own = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    unshare(ctypes.c_int(own))


def _allow(seconds: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    until = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


if __name__ == "__main__":
    main()
