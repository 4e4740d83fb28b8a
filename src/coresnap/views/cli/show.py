"""``coresnap show``: read a snapshot from a file or from the spool."""

from __future__ import annotations

import argparse

from coresnap.views.cli import presentation
from coresnap.views.cli.interactive import add_position, open_viewer
from coresnap.views.cli.named_snapshot import open_named

NAME = "show"
HELP = "read a snapshot, from a file or by the start of its id"
DESCRIPTION = """\
Prints a snapshot that `coresnap analyze -o` wrote or that the daemon made of a crash.
The latter is named by its id as `coresnap list` shows it, or by the start of the id.
A name that is a file is read as one. With -i it is opened in the terminal viewer.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``show``."""
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT|ID", help="a snapshot file, or the start of an id"
    )
    parser.add_argument(
        "-i", "--interactive", action="store_true", help="open the terminal viewer"
    )
    add_position(parser)
    presentation.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the snapshot."""
    from coresnap.snapshot.container import read_snapshot

    named = open_named(arguments.snapshot, arguments.config)
    if arguments.interactive or arguments.at is not None:
        open_viewer(named, arguments.at)
        return 0
    presentation.present(read_snapshot(named), arguments)
    return 0
