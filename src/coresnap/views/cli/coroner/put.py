"""``coroner put``: send snapshots to the store."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import CoresnapError, StorageError, UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.outgoing_file import (
    OutgoingFile,
    open_outgoing,
    unreadable,
)
from coresnap.views.cli.coroner.single_failures import send_each
from coresnap.views.cli.coroner.store_options import client_of
from coresnap.views.cli.progress import Progress

if TYPE_CHECKING:
    from coresnap.store.api.faults import Accepted
    from coresnap.store.client.client import Client

NAME = "put"
HELP = "send snapshots to the store"
DESCRIPTION = """\
Sends snapshots to a project of the store. When a line is printed for one, it is on the
store's disk; the same snapshot again is the same fault. What the connection's end
interrupts goes on where it was when it is sent again.

A file that fails does not keep the others from being sent. The exit status is that of
all such failures, or 1 if they differ. A store that is away, or does not let the token
in, ends the command.

TOKEN is the name of a token in coroner.cf, or the token itself.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``put``."""
    parser.add_argument(
        "project", metavar="PROJECT", help="the project, or UNIVERSE/PROJECT"
    )
    parser.add_argument("token", metavar="TOKEN", help="a token's name in coroner.cf")
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="snapshots to send"
    )
    parser.add_argument(
        "-u",
        "--unlink",
        action="store_true",
        help="remove each file once the store has it",
    )
    parser.add_argument(
        "-k",
        "--insecure",
        action="store_true",
        help="trust any server: whoever is in between gets token and snapshots",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="take the place of faults with the same object id and other bytes",
    )
    parser.add_argument(
        "--limit-rate",
        metavar="SIZE",
        type=_size,
        help="send at most SIZE bytes a second",
    )
    parser.add_argument("--json", action="store_true", help="print JSON; errors too")


def _size(text: str) -> int:
    from coresnap.config.quantities import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error


def run(arguments: argparse.Namespace) -> int:
    """Send the files; one that fails does not keep the others from being sent."""
    if arguments.token.endswith(".csnap"):
        raise UsageError(
            f"{arguments.token} stands where the token's name does",
            remedy="As in `coroner put PROJECT TOKEN FILE`.",
        )
    with client_of(
        arguments, token=arguments.token, verify=not arguments.insecure
    ) as client:

        def send(path: Path) -> tuple[Accepted, CoresnapError | None]:
            with open_outgoing(path) as file:
                accepted = _put(client, file, arguments)
                return accepted, _removed(file) if arguments.unlink else None

        return send_each(arguments.files, send, _line, as_json=arguments.json)


def _put(client: Client, file: OutgoingFile, arguments: argparse.Namespace) -> Accepted:
    from coresnap.store.client import putting

    name = printable(str(file.path))
    try:
        with Progress() as progress:
            return putting.put_snapshot(
                client,
                file.stream,
                replace=arguments.replace,
                progress=lambda sent, size: progress(
                    f"{100 * sent // size} % of {name}"
                ),
                pace=putting.Pace(arguments.limit_rate),
            )
    except OSError as error:
        raise unreadable(file.path, error) from error


def _removed(file: OutgoingFile) -> StorageError | None:
    """Remove what the store has. If that fails it is sent all the same."""
    try:
        file.remove()
    except StorageError as error:
        return error
    return None


def _line(_: Path, accepted: Accepted) -> str:
    remarks = {
        "already there": accepted.is_duplicate,
        "a new group": accepted.is_new_group,
        "a regression": accepted.is_regression,
        "only its attributes are kept": accepted.stored == "summary",
    }
    said = ", ".join(remark for remark, holds in remarks.items() if holds)
    group = f"in group {accepted.group[:16]}"
    return f"{accepted.object}  {group}{f' ({said})' if said else ''}\n"
