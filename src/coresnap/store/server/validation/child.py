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
from coresnap.snapshot.scrubbing.rules import Rules
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.server.validation.messages import Finding, Question, receive, send
from coresnap.store.server.validation.reading import read_arrival, read_scrubbed
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
        return Finding(_arrival(question, descriptor))
    except MemoryError:
        reason = "it takes more memory to read than snapshots may take"
        return Finding(reason=reason, is_last=True)
    except CoresnapError as error:
        return Finding(reason=str(error), remedy=error.remedy)


def _arrival(question: Question, descriptor: int) -> Arrival:
    digest, received, rules = question.digest, question.received, question.rules
    if rules is None:
        return read_arrival(descriptor, digest, received)
    return read_scrubbed(descriptor, digest, received, rules)


def _warm_up() -> None:
    """Import whatever reading imports: no file can be opened afterwards."""
    with tempfile.TemporaryFile() as file:
        # With a secret, so that taking it out has been done once as well.
        words = "simple --password=Ahf4ohqu3Zee"
        snapshot = Snapshot("Linux", "x86-64", None, None, words, None)
        write_snapshot(snapshot, file.fileno())
        read_scrubbed(os.dup(file.fileno()), "0" * 64, 0, Rules())
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
