"""``coroner daemon``: send what appears in directories."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from coresnap.errors import (
    AccessError,
    ConfigError,
    ConflictError,
    InputError,
    MissingError,
    NetworkError,
    QuotaError,
    StorageError,
    UsageError,
)
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.outgoing_file import (
    Identity,
    OutgoingFile,
    open_outgoing,
    unreadable,
)
from coresnap.views.cli.coroner.single_failures import OF_ONE_FILE, SingleFailures
from coresnap.views.cli.coroner.store_options import client_of, config_of
from coresnap.views.cli.output import complain, emit

if TYPE_CHECKING:
    from types import FrameType

    from coresnap.config.store_config import Watched
    from coresnap.store.client.client import Client

NAME = "daemon"
HELP = "send the snapshots that appear in directories"
DESCRIPTION = """\
Watches the directories of section [daemon] of coroner.cf. Every file there whose name
ends with .csnap is sent to its project, and removed once the store has it. A file that
is still written to should have another name until it is whole. What the store refuses
is renamed to end with .refused. A file that cannot be read or removed is said, and does
not keep the others from being sent; a store that is away is tried again, less and less
often. On a machine that coresnapd runs on nobody needs this: it sends by itself.
"""

_SUFFIX = ".csnap"
_PAUSE = 2.0
_LONGEST_PAUSE = 300.0
_FOR_NOW = (
    *(AccessError, MissingError, NetworkError, QuotaError),
    *(StorageError, UsageError),
)
"""What somebody may mend at the store while we go on: a server that is down, a token or
a project that is not there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``daemon``."""
    parser.add_argument(
        "-f",
        "--foreground",
        action="store_true",
        help="stay in the foreground",
    )
    parser.add_argument(
        "--once", action="store_true", help="send what is there, then end"
    )


def run(arguments: argparse.Namespace) -> int:
    """Send until SIGTERM."""
    config = config_of(arguments)
    if not config.watched:
        raise ConfigError(
            f"{config.source} names no directory to watch",
            remedy="Write PROJECT.root = DIR below [daemon].",
        )
    if arguments.config is not None:
        arguments.config = arguments.config.absolute()
    if not (arguments.foreground or arguments.once):
        _detach()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    pause = _PAUSE
    settled: set[Identity] = set()
    while True:
        failures = SingleFailures()
        for watched in config.watched:
            _Pass(arguments, watched, failures, settled).send_all()
        if arguments.once:
            return failures.exit_code
        pause = min(2 * pause, _LONGEST_PAUSE) if failures.exit_code else _PAUSE
        _sleep(pause)


def _end(number: int, frame: FrameType | None) -> None:
    # A file is removed after it was acknowledged: whenever we end, nothing is lost.
    sys.exit(0)


@attrs.frozen
class _Pass:
    """One look into one directory."""

    arguments: argparse.Namespace
    watched: Watched
    failures: SingleFailures
    settled: set[Identity]
    """Files that were sent or refused, and could not be taken away."""

    def send_all(self) -> None:
        """Send what is there, as far as the store takes it."""
        try:
            paths = _waiting(self.watched.root)
        except OSError as error:
            failure = StorageError(f"cannot look into it: {error.strerror}")
            self.failures.add(self.watched.root, failure)
            return
        if not paths:
            return
        self.arguments.project = self.watched.project
        try:
            with client_of(self.arguments, token=self.watched.token) as client:
                for path in paths:
                    self._send_one(client, path)
        except _FOR_NOW as error:
            self.failures.add(self.watched.root, error)

    def _send_one(self, client: Client, path: Path) -> None:
        try:
            file = open_outgoing(path, follow=False)
        except OF_ONE_FILE as error:
            self.failures.add(path, error)
            return
        with file:
            if file.identity not in self.settled:
                self._send(client, file)

    def _send(self, client: Client, file: OutgoingFile) -> None:
        from coresnap.store.client.putting import put_snapshot

        path = file.path
        try:
            accepted = put_snapshot(client, file.stream)
        except (ConflictError, InputError) as error:
            complain(f"{path} is refused: {error}", error.remedy, "coroner")
            self._settle(file, lambda: _set_aside(path))
            return
        except OSError as error:
            self.failures.add(path, unreadable(path, error))
            return
        name = printable(str(path))
        emit(f"{name}: {accepted.object} in group {accepted.group[:16]}\n")
        self._settle(file, file.remove)

    def _settle(self, file: OutgoingFile, take_away: Callable[[], None]) -> None:
        try:
            take_away()
        except StorageError as error:
            self.failures.add(file.path, error)
            self.settled.add(file.identity)


def _waiting(root: Path) -> list[Path]:
    """Snapshots in a directory, the oldest first; links are nobody's snapshots.

    Raises OSError.
    """
    found = []
    for entry in os.scandir(root):
        with contextlib.suppress(FileNotFoundError):  # somebody else took it
            if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False):
                modified = entry.stat(follow_symlinks=False).st_mtime_ns
                found.append((modified, entry.path))
    return [Path(path) for _, path in sorted(found)]


def _set_aside(path: Path) -> None:
    """Give what was refused a name of its own. Raises StorageError."""
    aside, number = path.with_name(f"{path.name}.refused"), 2
    while os.path.lexists(aside):
        aside = path.with_name(f"{path.name}.{number}.refused")
        number += 1
    try:
        path.rename(aside)
    except OSError as error:
        raise StorageError(
            f"{path} was refused, but cannot be renamed: {error.strerror}",
            remedy="Take it away by hand. Until it changes it is not sent again.",
        ) from error


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _detach() -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.close(null)
