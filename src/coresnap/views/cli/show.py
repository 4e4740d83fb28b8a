"""``coresnap show``: read a snapshot from a file or from the spool."""

from __future__ import annotations

import argparse
from pathlib import Path

from coresnap.errors import MissingError
from coresnap.views.cli import presentation

NAME = "show"
HELP = "read a snapshot, from a file or by the start of its id"
DESCRIPTION = """\
Prints a snapshot that `coresnap analyze -o` wrote or that the daemon made of a crash.
The latter is named by its id as `coresnap list` shows it, or by the start of the id.
A name that is a file is read as one.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``show``."""
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT|ID", help="a snapshot file, or the start of an id"
    )
    presentation.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the snapshot."""
    from coresnap.snapshot.container import read_snapshot

    presentation.present(read_snapshot(_locate(arguments.snapshot)), arguments)
    return 0


def _locate(name: str) -> Path:
    path = Path(name)
    if path.exists():
        return path
    raise MissingError(
        f"there is neither a file nor a crash {name!r}",
        remedy="`coresnap list -a` shows the ids of all crashes that are kept.",
    )
