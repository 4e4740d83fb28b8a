"""coresnapd: waits until it is told of a crash, and takes it through the stages.

Idle it blocks in one ``select`` on the backend's descriptors, on signals and on the
worker; a slow timer looks after what announcements may have missed. This file has the
daemon's twin of the command line's ``except CoresnapError``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from coresnap.backends import select
from coresnap.backends.base import CaptureBackend
from coresnap.collect.journal import Journal
from coresnap.collect.spool import Spool
from coresnap.config import Config, load_config
from coresnap.daemon.compressor import Compressor
from coresnap.daemon.exporter import start_exporter
from coresnap.daemon.job import analyse_core, preload
from coresnap.daemon.log import Logger, make_logger
from coresnap.daemon.outbox import Outbox
from coresnap.daemon.reload import refresh_handler, reread
from coresnap.daemon.sender import Sender, start_sender
from coresnap.daemon.service import tell_manager, watchdog_seconds
from coresnap.daemon.stages import Pipeline
from coresnap.daemon.warden import start_warden
from coresnap.daemon.worker import Analyse, Verdict
from coresnap.errors import AccessError, CaptureError, CoresnapError
from coresnap.model.message_id import MessageId

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["add_arguments", "main", "run_daemon", "serve"]

SCAN_SECONDS = 300.0
"""How often the spool is looked through although nobody announced anything."""
_INTRUDERS_NAMED = 20
_COMPRESSION_SECONDS = 0.5
"""How often a compression is asked whether it is done: nobody waits for it."""
_RETRY_SECONDS = 30.0
"""How long after a failure of ours (a full disk) the next try comes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run coresnapd with the words ``arguments`` (default: the process's)."""
    parser = argparse.ArgumentParser(prog="coresnapd", description=__doc__)
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings")
    add_arguments(parser)
    return run_daemon(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the daemon's options."""
    parser.add_argument(
        "--foreground",
        action="store_true",
        help="stay in the foreground and log to standard error",
    )
    parser.add_argument("--json", action="store_true", help="log as JSON lines")


def run_daemon(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM; return the exit code."""
    log = make_logger(json=arguments.json, syslog=False)
    # Whoever sees that a daemon runs may ask it to reload, before it can be asked.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    # Read again from elsewhere: a daemon in the background is in the root directory.
    path = arguments.config.absolute() if arguments.config is not None else None
    try:
        config = load_config(path)
        if not arguments.foreground:
            _detach()
            log = make_logger(json=arguments.json, syslog=True)
        serve(config, select(config), log, path=path)
    except CoresnapError as error:
        log.error(str(error), remedy=error.remedy)
        return error.exit_code
    return 0


def serve(
    config: Config,
    backend: CaptureBackend,
    log: Logger,
    analyse: Analyse = analyse_core,
    prepare: Callable[[], None] = preload,
    make_journal: Callable[[Path], Journal] = Journal,
    path: Path | None = None,
) -> None:
    """Process crashes until SIGTERM or SIGINT; ``path`` is read again after SIGHUP."""
    prepare()
    _refresh(backend, log)
    owner = _owner(config)
    warden: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
    sender = start_sender(config, owner, backend, log)
    exporter = start_exporter(config, owner, backend, log)
    if os.geteuid() == 0 and owner is not None:
        # The socket's directory is below /run, which is root's.
        _make_run_directory(config.socket.parent, owner)
        if (door := backend.socket_door()) is not None:
            warden = start_warden(door, log)
        backend.prepare()
        _drop_privileges(owner)
    with (
        warden,
        sender or contextlib.nullcontext(),
        exporter or contextlib.nullcontext(),
        Spool(config.spool) as spool,
        make_journal(config.journal) as journal,
    ):
        if journal.put_aside is not None:
            log.warning(f"the journal was damaged and is now {journal.put_aside}")
        pipeline = Pipeline(
            config, spool, journal, backend, analyse, log.info, owner=owner
        )
        _warn_of_intruders(spool, log)
        backend.listen()
        loop = Loop(pipeline, log, path, sender)
        try:
            loop.run()
        finally:
            loop.compressor.abandon()
            backend.close()
            pipeline.abandon()


def _refresh(backend: CaptureBackend, log: Logger) -> None:
    try:
        refresh_handler(backend, log)
    except CoresnapError as error:
        log.error(f"the handler keeps its old settings: {error}", remedy=error.remedy)


def _warn_of_intruders(spool: Spool, log: Logger) -> None:
    names = spool.intruders()
    for name in names[:_INTRUDERS_NAMED]:
        log.warning(f"{name} in the spool is not ours and is left alone")
    if (more := len(names) - _INTRUDERS_NAMED) > 0:
        log.warning(f"{more} more names in the spool are not ours")


def _owner(config: Config) -> tuple[int, int] | None:
    import pwd

    try:
        entry = pwd.getpwnam(config.user)
    except KeyError:
        if os.geteuid() == 0:
            raise CaptureError(
                f"there is no user {config.user}",
                remedy="`coresnap install` creates it.",
            ) from None
        return None
    return entry.pw_uid, entry.pw_gid


def _make_run_directory(path: Path, owner: tuple[int, int]) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(path, *owner, follow_symlinks=False)
    except OSError as error:
        raise AccessError(f"cannot prepare {path}: {error.strerror}") from error


def _drop_privileges(owner: tuple[int, int]) -> None:
    uid, gid = owner
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _detach() -> None:
    """Leave the terminal and the parent, as daemons without a manager do."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.close(null)


@attrs.define
class Loop:
    """Waits for whatever happens next, and lets the pipeline act on it."""

    pipeline: Pipeline
    log: Logger
    path: Path | None = None
    """Where settings are read again; None where they are looked for."""
    sender: Sender | None = None
    """None without a store."""
    compressor: Compressor = attrs.field(
        default=attrs.Factory(lambda self: Compressor(self.pipeline), takes_self=True)
    )
    outbox: Outbox | None = attrs.field(
        default=attrs.Factory(lambda self: self._make_outbox(), takes_self=True)
    )
    stopping: bool = False
    reloading: bool = False
    next_scan: float = 0
    """On the monotonic clock: wall clocks jump."""
    last_scan: float = float("-inf")
    has_looked: bool = False
    """What may be compressed can be another since the last turn."""

    def _make_outbox(self) -> Outbox | None:
        self.pipeline.is_sending = self.sender is not None
        if self.sender is None:
            return None
        return Outbox(self.pipeline, self.sender, self.log)

    def run(self) -> None:
        """Run until a signal says stop."""
        reader, writer = os.pipe()
        for fd in (reader, writer):
            os.set_blocking(fd, False)
        before = signal.set_wakeup_fd(writer)
        handlers = {
            number: signal.signal(number, self._stop)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._ask_to_reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        tell_manager(f"READY=1\nMAINPID={os.getpid()}")
        self.log.info(
            "coresnapd waits for crashes",
            message_id=MessageId.DAEMON_STARTED,
            spool=str(self.pipeline.config.spool),
        )
        try:
            while not self.stopping:
                self._turn(reader)
        finally:
            tell_manager("STOPPING=1")
            self.log.info("coresnapd ends", message_id=MessageId.DAEMON_ENDED)
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _ask_to_reload(self, number: int, frame: FrameType | None) -> None:
        self.reloading = True

    def _turn(self, wakeup: int) -> None:
        if self.reloading:
            self._reload()
        try:
            self._act()
        except CoresnapError as error:
            self.log.error(str(error), remedy=error.remedy)
            self.next_scan = time.monotonic() + _RETRY_SECONDS
        if not (self.stopping or self.reloading):
            self._wait(wakeup)

    def _reload(self) -> None:
        self.reloading = False
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        tell_manager(f"RELOADING=1\nMONOTONIC_USEC={now}")
        try:
            config, staying = reread(self.pipeline.config, self.path)
        except CoresnapError as error:
            message = f"the settings that were read before go on holding: {error}"
            self.log.error(
                message, message_id=MessageId.SETTINGS_REFUSED, remedy=error.remedy
            )
        else:
            self.pipeline.config = config
            self.next_scan = 0  # what is to be removed may have changed
            source = str(config.source or "no file: the defaults hold")
            self.log.info(
                "coresnapd has read its settings again",
                message_id=MessageId.SETTINGS_READ,
                source=source,
            )
            if staying:
                message = f"{', '.join(staying)}: what is new waits for a restart"
                self.log.warning(message)
            _refresh(select(config), self.log)
        tell_manager("READY=1")

    def _act(self) -> None:
        pipeline = self.pipeline
        while (crash := pipeline.backend.receive(0)) is not None:
            self.next_scan = 0
            pipeline.take(crash)
        if pipeline.worker is not None:
            self._look_after_worker()
        if pipeline.worker is None and self._scan_is_due():
            self.last_scan = time.monotonic()
            self.next_scan = self.last_scan + SCAN_SECONDS
            pipeline.scan()
            pipeline.purge()
            self.has_looked = True
        busy = pipeline.start_next() is not None
        self._compress(may_start=not busy)
        if self.outbox is not None:
            self.outbox.turn()

    def _compress(self, *, may_start: bool) -> None:
        was_busy = self.compressor.is_busy
        # Once after each look at the spool, and as long as there is more.
        self.compressor.turn(may_start=may_start and (self.has_looked or was_busy))
        self.has_looked = False

    def _scan_is_due(self) -> bool:
        # In a storm the known work comes first: a look at the whole spool after each
        # of n crashes would cost n² looks.
        now = time.monotonic()
        patient = self.pipeline.waiting and now < self.last_scan + SCAN_SECONDS
        return now >= self.next_scan and not patient

    def _look_after_worker(self) -> None:
        worker = self.pipeline.worker
        assert worker is not None
        if worker.has_ended() or time.monotonic() >= worker.deadline:
            outcome = self.pipeline.finish()
            # Arrivals while it ran may have had their hints dropped. A full disk,
            # though, is not tried again at once.
            pause = _RETRY_SECONDS if outcome.verdict == Verdict.NO_ROOM else 0
            self.next_scan = time.monotonic() + pause

    def _wait(self, wakeup: int) -> None:
        timeout = max(0.0, self.next_scan - time.monotonic())
        worker = self.pipeline.worker
        with selectors.DefaultSelector() as selector:
            selector.register(wakeup, selectors.EVENT_READ)
            for fd in self.pipeline.backend.waitables():
                selector.register(fd, selectors.EVENT_READ)
            if worker is not None:
                selector.register(worker, selectors.EVENT_READ)
                timeout = max(0.0, worker.deadline - time.monotonic())
            if self.compressor.is_busy:
                timeout = min(timeout, _COMPRESSION_SECONDS)
            if (wait := self.pipeline.backend.wakes_in) is not None:
                timeout = min(timeout, wait)
            outbox = self.outbox
            if outbox is not None and outbox.sender.is_alive:
                selector.register(outbox.sender, selectors.EVENT_READ)
                if outbox.timeout is not None:
                    timeout = min(timeout, outbox.timeout)
            if (interval := watchdog_seconds()) is not None:
                tell_manager("WATCHDOG=1")
                timeout = min(timeout, interval)
            for key, _ in selector.select(timeout):
                if key.fd == wakeup:
                    os.read(wakeup, 512)
                elif outbox is not None and key.fileobj is outbox.sender:
                    outbox.take()


if __name__ == "__main__":
    sys.exit(main())
