"""``coroner put``: send snapshots to the store."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import CoresnapError, MissingError, UsageError
from coresnap.views.cli.coroner.store_options import client_of
from coresnap.views.cli.output import complain, emit
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
    failure: CoresnapError | None = None
    with client_of(
        arguments, token=arguments.token, verify=not arguments.insecure
    ) as client:
        for path in arguments.files:
            try:
                accepted = _put(client, path, arguments)
            except CoresnapError as error:
                if len(arguments.files) == 1:
                    raise
                complain(f"{path}: {error}", error.remedy, "coroner")
                failure = error
            else:
                _tell(path, accepted, arguments)
    return failure.exit_code if failure is not None else 0


def _put(client: Client, path: Path, arguments: argparse.Namespace) -> Accepted:
    from coresnap.store.client.putting import Pace, put_snapshot

    try:
        stream = path.open("rb")
    except OSError as error:
        raise MissingError(f"cannot read {path}: {error.strerror}") from error
    if not os.path.isfile(path):
        raise UsageError(f"{path} is no file")
    with stream, Progress() as progress:
        accepted = put_snapshot(
            client,
            stream,
            replace=arguments.replace,
            progress=lambda sent, size: progress(f"{100 * sent // size} % of {path}"),
            pace=Pace(arguments.limit_rate),
        )
    if arguments.unlink:
        path.unlink(missing_ok=True)
    return accepted


def _tell(path: Path, accepted: Accepted, arguments: argparse.Namespace) -> None:
    if arguments.json:
        import msgspec

        body = {"file": str(path), **msgspec.to_builtins(accepted)}
        emit(json.dumps(body) + "\n")
        return
    remarks = {
        "already there": accepted.is_duplicate,
        "a new group": accepted.is_new_group,
        "a regression": accepted.is_regression,
        "only its attributes are kept": accepted.stored == "summary",
    }
    said = ", ".join(remark for remark, holds in remarks.items() if holds)
    group = f"in group {accepted.group[:16]}"
    emit(f"{accepted.object}  {group}{f' ({said})' if said else ''}\n")
