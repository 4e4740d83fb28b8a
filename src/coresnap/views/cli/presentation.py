"""The options and output that ``analyze`` and ``show`` share."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.model import Snapshot

__all__ = ["add_arguments", "add_view", "is_text_wanted", "present"]

_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how a snapshot is shown, and JSON."""
    add_view(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print everything as JSON; errors too",
    )


def add_view(parser: argparse.ArgumentParser) -> None:
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
        help="leave out variables, source lines, registers, files and limits",
    )
    parser.add_argument(
        "--full-names",
        action="store_true",
        help="print names of functions and types in full",
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="print also how containers are made, not only what they hold",
    )
    parser.add_argument(
        "--modules",
        action="store_true",
        help="print where each module's files were looked for, and the compilers",
    )


def is_text_wanted(arguments: argparse.Namespace) -> bool:
    """Whether somebody asked for a text of some shape, or for JSON."""
    shaped = (
        arguments.json,
        arguments.thread != "crashed",
        arguments.no_variables,
        arguments.full_names,
        arguments.raw,
        arguments.modules,
    )
    return any(shaped)


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
    from coresnap.snapshot.display import Display
    from coresnap.snapshot.ink import Ink
    from coresnap.snapshot.text import render

    display = Display(
        ink=Ink(_colour()),
        width=_width(),
        details=not arguments.no_variables,
        full_names=arguments.full_names,
        raw=arguments.raw,
        searches=arguments.modules,
    )
    emit(render(snapshot, thread=arguments.thread, display=display))


def _width() -> int:
    if sys.stdout.isatty():
        import shutil  # with three libraries for compression

        return shutil.get_terminal_size((_WIDTH, 24)).columns
    return _WIDTH


def _colour() -> bool:
    # https://no-color.org: present and not empty means no.
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()
