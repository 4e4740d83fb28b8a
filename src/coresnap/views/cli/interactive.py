"""The terminal viewer, where it is installed and somebody sits before a terminal."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from coresnap.errors import UsageError

__all__ = ["add_position", "is_viewer_possible", "open_viewer"]


def add_position(parser: argparse.ArgumentParser) -> None:
    """Declare where the viewer opens."""
    parser.add_argument(
        "--at",
        metavar="POSITION",
        help="open the viewer at THREAD, THREAD/FRAME or THREAD/FRAME/VARIABLE",
    )


def is_viewer_possible() -> bool:
    """Whether textual is installed, and standard input and output are a terminal."""
    return _is_terminal() and _is_installed()


def open_viewer(source: str | Path | int, at: str | None) -> None:
    """Show a snapshot until the reader leaves; a descriptor is closed.

    Raises UsageError where that is not possible, and as ``view_snapshot`` does.
    """
    try:
        _check()
        from coresnap.views.fault.position import Position
        from coresnap.views.viewer.run import view_snapshot

        position = None if at is None else Position.parse(at)
    except BaseException:
        if isinstance(source, int):
            os.close(source)
        raise
    view_snapshot(source, position)


def _check() -> None:
    if not _is_installed():
        raise UsageError(
            "the viewer needs textual, which is not installed",
            remedy="pip install 'coresnap[viewer]'",
        )
    if not _is_terminal():
        raise UsageError(
            "the viewer needs a terminal",
            remedy="Without -i and --at, the snapshot is printed as text.",
        )


def _is_installed() -> bool:
    return importlib.util.find_spec("textual") is not None


def _is_terminal() -> bool:
    # https://no-color.org is of no concern here; a terminal that cannot move is.
    capable = os.environ.get("TERM", "dumb") != "dumb"
    return capable and sys.stdin.isatty() and sys.stdout.isatty()
