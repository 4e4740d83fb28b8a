"""``coroner daemon``: send what appears in directories."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import (
    ConfigError,
    ConflictError,
    CoresnapError,
    InputError,
)
from coresnap.views.cli.coroner.store_options import client_of, config_of
from coresnap.views.cli.output import complain, emit

if TYPE_CHECKING:
    from types import FrameType

    from coresnap.config.store_config import Watched

NAME = "daemon"
HELP = "send the snapshots that appear in directories"
DESCRIPTION = """\
Watches the directories of section [daemon] of coroner.cf. Every file there whose name
ends with .csnap is sent to its project, and removed once the store has it. A file that
is still written to should have another name until it is whole. What the store refuses
is renamed to end with .refused; a store that is away is tried again, less and less
often. On a machine that coresnapd runs on nobody needs this: it sends by itself.
"""

_SUFFIX = ".csnap"
_PAUSE = 2.0
_LONGEST_PAUSE = 300.0


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
    while True:
        failures = [_send_all(one, arguments) for one in config.watched]
        if arguments.once:
            return max(failures)
        pause = min(2 * pause, _LONGEST_PAUSE) if any(failures) else _PAUSE
        time.sleep(pause)


def _end(number: int, frame: FrameType | None) -> None:
    # A file is removed after it was acknowledged: whenever we end, nothing is lost.
    sys.exit(0)


def _send_all(watched: Watched, arguments: argparse.Namespace) -> int:
    """Send what is in one directory; return the exit code of what went wrong."""
    arguments.project = watched.project
    paths = list(_waiting(watched.root))
    if not paths:
        return 0
    try:
        with client_of(arguments, token=watched.token) as client:
            from coresnap.store.client.putting import put_snapshot

            for path in paths:
                try:
                    with path.open("rb") as stream:
                        accepted = put_snapshot(client, stream)
                except (ConflictError, InputError) as error:
                    complain(f"{path} is refused: {error}", error.remedy, "coroner")
                    path.rename(path.with_name(f"{path.name}.refused"))
                    continue
                path.unlink(missing_ok=True)
                emit(f"{path}: {accepted.object} in group {accepted.group[:16]}\n")
    except CoresnapError as error:
        complain(f"{watched.root}: {error}", error.remedy, "coroner")
        return error.exit_code
    except OSError as error:
        complain(f"{watched.root}: {error.strerror}", "", "coroner")
        return 74
    return 0


def _waiting(root: Path) -> Iterator[Path]:
    """Snapshots in a directory, the oldest first; links are nobody's snapshots."""
    found = []
    try:
        for entry in os.scandir(root):
            if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False):
                modified = entry.stat(follow_symlinks=False).st_mtime_ns
                found.append((modified, entry.path))
    except OSError as error:
        complain(f"cannot look into {root}: {error.strerror}", "", "coroner")
    yield from (Path(path) for _, path in sorted(found))


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
