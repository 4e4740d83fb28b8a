"""Those who tell monitors how this machine does: they may read no crash.

The daemon forks a keeper, which starts a server and starts it again when it ends. The
server reads the journal and the numbers around it from the outside, as ``coresnap
status`` does, so that neither the daemon nor a dump ever waits for a monitor. Before it
listens to anybody it gives up writing but beside the journal, the network but for what
connects to it, and reading below the spool, as far as the system lets it. Both end with
the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import select
import signal
import socket
from typing import NoReturn

import attrs

from coresnap.backends.base import CaptureBackend
from coresnap.collect.overview import read_overview
from coresnap.config import Config
from coresnap.daemon.child import become_owner, how_it_ended, shed_inheritance
from coresnap.daemon.log import Logger
from coresnap.daemon.metrics_page import check_library, metrics_page
from coresnap.daemon.metrics_server import MetricsServer, Render
from coresnap.daemon.sending_warden import pause_after
from coresnap.errors import ConfigError, CoresnapError

__all__ = ["Exporter", "start_exporter"]

_RENEW = 75
"""Exit code of a server that files have changed under: it wants another."""
_LOOK_SECONDS = 2.0
_BACKLOG = 16


@attrs.frozen
class Exporter:
    """The daemon's end: as long as it is open, metrics are served."""

    pid: int
    address: tuple[str, int]
    _connection: socket.socket

    def __enter__(self) -> Exporter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End both processes, and return when that is done."""
        self._connection.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def start_exporter(
    config: Config,
    owner: tuple[int, int] | None,
    backend: CaptureBackend,
    log: Logger,
) -> Exporter | None:
    """Start the processes if ``metrics.listen`` says where.

    Call it while still root, and before the journal is opened: SQLite takes what the
    parent has locked for locks of the child, and waits for them.
    What keeps them from it is said in the log: crashes are caught all the same.
    """
    if config.metrics_listen is None:
        return None
    try:
        check_library()
        listener = _listen(config.metrics_listen)
    except CoresnapError as error:
        log.error(f"no metrics are served: {error}", remedy=error.remedy)
        return None
    with listener:
        host, port = listener.getsockname()[:2]
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            _be_keeper(config, owner, backend, log, listener, theirs)
        theirs.close()
    where = f"[{host}]" if ":" in host else host
    log.info(f"metrics are served on http://{where}:{port}/metrics")
    return Exporter(pid, (host, port), ours)


def _listen(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {address[0]} port {address[1]}: {error.strerror}",
            remedy="Correct metrics.listen, then restart coresnapd.",
        ) from error
    return listener


# --- the keeper ---------------------------------------------------------------------


def _be_keeper(
    config: Config,
    owner: tuple[int, int] | None,
    backend: CaptureBackend,
    log: Logger,
    listener: socket.socket,
    daemon: socket.socket,
) -> NoReturn:
    code = 1
    try:
        shed_inheritance([2, listener.fileno(), daemon.fileno()])
        become_owner(owner)
        _keep_serving(functools.partial(_serve, config, backend, listener), daemon, log)
        code = 0
    finally:
        os._exit(code)


def _keep_serving(
    serve: functools.partial[None], daemon: socket.socket, log: Logger
) -> None:
    failures = 0
    while not select.select([daemon], [], [], 0)[0]:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _be_server(serve, theirs)
        theirs.close()
        # Either end tells of itself by closing; a server that lives says nothing.
        select.select([daemon, ours], [], [])
        ours.close()
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) == _RENEW:
            failures = 0
            continue
        if select.select([daemon], [], [], 0)[0]:
            return
        failures += 1
        end = how_it_ended(status)
        log.warning(f"the process that serves metrics {end}: it is started again")
        select.select([daemon], [], [], pause_after(failures))


# --- the server ---------------------------------------------------------------------


def _be_server(serve: functools.partial[None], keeper: socket.socket) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        serve(keeper)
        code = _RENEW
    finally:
        os._exit(code)


def _serve(
    config: Config,
    backend: CaptureBackend,
    listener: socket.socket,
    keeper: socket.socket,
) -> None:
    """Answer until the keeper ends, or files were made that may not be read yet."""

    def look() -> Render:
        overview = read_overview(config, backend)
        return functools.partial(metrics_page, overview)

    look()("")  # what is loaded when it is needed is loaded now
    there = _there(config)
    # Readers of a journal in WAL mode write into its index, and their locks.
    backend.confine_watcher(config.spool, (config.journal.parent,))
    asyncio.run(_answer(MetricsServer(listener, look), keeper, config, there))


async def _answer(
    server: MetricsServer, keeper: socket.socket, config: Config, there: object
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(keeper.fileno(), stop.set)
    serving = asyncio.create_task(server.serve(stop))
    while not serving.done() and _there(config) == there:
        await asyncio.wait([serving], timeout=_LOOK_SECONDS)
    stop.set()
    await serving


def _there(config: Config) -> tuple[tuple[int, int] | None, ...]:
    """Which files and directories there are: what is new was not yet allowed."""
    paths = (config.admission, config.journal.parent)
    return tuple(_identity(path) for path in map(os.fspath, paths))


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
