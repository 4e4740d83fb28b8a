"""``coroner view``: read a snapshot that is here."""

from __future__ import annotations

import argparse
from pathlib import Path

from coresnap.errors import MissingError
from coresnap.views.cli import presentation
from coresnap.views.cli.coroner import viewer

NAME = "view"
HELP = "read a snapshot file"
DESCRIPTION = """\
Opens a snapshot that `coroner get -o` or `coresnap analyze -o` has written in the
terminal viewer, if textual is installed. Otherwise, and with an option that shapes
text, it is printed, in a pager on a terminal.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``view``."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a snapshot")
    viewer.add_arguments(parser)
    presentation.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the file."""
    if not arguments.file.exists():
        raise MissingError(
            f"there is no file {arguments.file}",
            remedy="`coroner get PROJECT ID` shows a fault of the store.",
        )
    viewer.view(arguments.file, arguments)
    return 0
