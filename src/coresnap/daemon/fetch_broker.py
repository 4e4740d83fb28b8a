"""Fetching for a worker that has no network, by a process that sees no core.

The worker reads bytes that an attacker may have chosen, so it stays without network
(docs/adr/0017). Beside it stands a broker: it can reach debuginfod servers, and all
that the worker can tell it is which build-ids to ask for. Both are children of the
daemon, and the broker ends with the worker.

They speak over a socket, one JSON object a line: ``{"wanted": [[BUILDID, KIND], ...]}``
and back ``{"fetched": [[PATH or null, [[WHAT, PLACE, RESULT], ...]], ...]}``, in the
same order.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

import attrs

from coresnap.config import Config
from coresnap.daemon.child import become_owner, shed_inheritance
from coresnap.errors import WorkerError

if TYPE_CHECKING:
    from coresnap.analysis.debuginfo.debuginfod import DebuginfodSettings
    from coresnap.analysis.debuginfo.symbol_directory import SymbolDirectory
    from coresnap.analysis.debuginfo.wanted import Fetched, Wanted

__all__ = ["Broker", "BrokeredFetcher", "debuginfod_settings", "start_broker"]

_LINE_LIMIT = 1 << 22
_WANTED_LIMIT = 1024
"""Files that a worker may ask for; more than stacks have modules."""
_MEMORY = 1 << 30


def debuginfod_settings(config: Config) -> DebuginfodSettings | None:
    """Whom the daemon's workers may have asked; None for nobody."""
    if not config.debuginfod_urls:
        return None
    from coresnap.analysis.debuginfo.debuginfod import DebuginfodSettings, check_url

    return DebuginfodSettings(
        tuple(map(check_url, config.debuginfod_urls)),
        config.fetched,
        config.debuginfod_timeout,
        config.debuginfod_time,
        config.debuginfod_size,
    )


@attrs.define
class Broker:
    """The daemon's hold on a broker."""

    pid: int
    worker_end: int
    """The socket that the worker speaks through; -1 once it was given away."""

    def give_away(self) -> None:
        """Close our copy of the worker's end: the worker has its own."""
        os.close(self.worker_end)
        self.worker_end = -1

    def end(self) -> None:
        """End the broker, whatever it is doing."""
        if self.worker_end >= 0:
            self.give_away()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def start_broker(
    settings: DebuginfodSettings | None, owner: tuple[int, int] | None
) -> Broker | None:
    """Fork a broker that becomes ``owner``; None where nobody is to be asked.

    Raises WorkerError if the system has no room for another process.
    """
    if settings is None:
        return None
    try:
        ours, theirs = socket.socketpair()
        pid = os.fork()
    except OSError as error:
        raise WorkerError(f"cannot start a broker: {error.strerror}") from error
    if pid == 0:
        _run_broker(settings, theirs.fileno(), owner)
    theirs.close()
    return Broker(pid, ours.detach())


def _run_broker(
    settings: DebuginfodSettings, connection: int, owner: tuple[int, int] | None
) -> NoReturn:
    # Nothing may return into the parent's program, whatever happens here.
    try:
        gc.disable()
        shed_inheritance((connection,))
        become_owner(owner)
        for number, value in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_DATA, _MEMORY),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(number, (value, value))
        _serve(settings, connection)
        os._exit(0)
    finally:
        os._exit(WorkerError.exit_code)


def _serve(settings: DebuginfodSettings, connection: int) -> None:
    from coresnap.analysis.debuginfo.debuginfod import Debuginfod

    client = Debuginfod(settings)
    left = _WANTED_LIMIT
    for line in _lines(connection):
        wanted = list(_understood(line))[:left]
        left -= len(wanted)
        found = client.fetch(wanted)
        answer = [
            [
                None if found[one].path is None else str(found[one].path),
                [[s.what, s.place, s.result] for s in found[one].searches],
            ]
            for one in wanted
        ]
        _send(connection, {"fetched": answer})


def _understood(line: bytes) -> Iterator[Wanted]:
    """What a worker asks for, if it is what may be asked for.

    The worker may be in an attacker's hands: nothing else than a build-id leaves.
    """
    from coresnap.analysis.debuginfo.symbol_directory import Kind, is_build_id
    from coresnap.analysis.debuginfo.wanted import Wanted

    for build_id, kind in json.loads(line)["wanted"][:_WANTED_LIMIT]:
        if not isinstance(build_id, str) or not is_build_id(build_id):
            raise ValueError("no build-id")
        if kind not in get_args(Kind):
            raise ValueError("no kind of file")
        yield Wanted(build_id, kind)


@attrs.frozen
class BrokeredFetcher:
    """The worker's end: asks the broker, and finds what it fetched in its cache."""

    cache: Path
    _connection: int

    @property
    def directory(self) -> SymbolDirectory:
        """Where what was fetched is found."""
        from coresnap.analysis.debuginfo.debuginfod import fetched_directory

        return fetched_directory(self.cache)

    def fetch(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, Fetched]:
        """Ask the broker; a broker that is gone has nothing."""
        from coresnap.analysis.debuginfo.wanted import Fetched
        from coresnap.model import Search

        answers: list[Any] = []
        with contextlib.suppress(OSError):
            asked = [[one.build_id, one.kind] for one in wanted]
            _send(self._connection, {"wanted": asked})
            answers = json.loads(next(_lines(self._connection), b"{}")).get(
                "fetched", []
            )
        found = {
            one: Fetched(
                None if path is None else Path(path),
                tuple(Search(*search) for search in searches),
            )
            for one, (path, searches) in zip(wanted, answers, strict=False)
        }
        gone = Search("debuginfod", "broker", "ended before it had answered")
        return {one: found.get(one) or Fetched(None, (gone,)) for one in wanted}


def _send(connection: int, said: dict[str, Any]) -> None:
    view = memoryview(json.dumps(said).encode() + b"\n")
    while view:
        view = view[os.write(connection, view) :]


def _lines(connection: int) -> Iterator[bytes]:
    """What comes, line by line, until the other end closes or says too much."""
    data = b""
    while len(data) < _LINE_LIMIT:
        while b"\n" in data:
            line, _, data = data.partition(b"\n")
            yield line
        piece = os.read(connection, 1 << 16)
        if not piece:
            return
        data += piece
