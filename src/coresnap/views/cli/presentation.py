"""The options and output that ``analyze`` and ``show`` share."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING

from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.model import Snapshot

__all__ = ["add_arguments", "present"]

_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how a snapshot is shown."""
    parser.add_argument(
        "--thread",
        metavar="WHICH",
        type=_thread,
        default="crashed",
        help="crashed (default: others without variables), all, or a thread id",
    )
    parser.add_argument(
        "--no-variables",
        action="store_true",
        help="leave out variables, source lines and registers",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print everything as JSON; errors too",
    )


def _thread(text: str) -> str | int:
    if text in ("all", "crashed"):
        return text
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not all, crashed or a thread id")


def present(snapshot: Snapshot, arguments: argparse.Namespace) -> None:
    """Print ``snapshot`` as ``arguments`` ask for."""
    if arguments.json:
        from coresnap.snapshot.json_form import to_bytes

        emit(to_bytes(snapshot).decode())
        return
    from coresnap.snapshot.text import render

    emit(
        render(
            snapshot,
            thread=arguments.thread,
            variables=not arguments.no_variables,
            width=_width(),
            colour=_colour(),
        )
    )


def _width() -> int:
    if sys.stdout.isatty():
        return shutil.get_terminal_size((_WIDTH, 24)).columns
    return _WIDTH


def _colour() -> bool:
    # https://no-color.org: present and not empty means no.
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()
