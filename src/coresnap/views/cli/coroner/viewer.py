"""Shows a snapshot: in the viewer, else as text, in a pager on a terminal."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from coresnap.views.cli import presentation
from coresnap.views.cli.interactive import (
    add_position,
    is_viewer_possible,
    open_viewer,
)

__all__ = ["add_arguments", "view"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare whether the viewer opens, and where."""
    parser.add_argument(
        "--text",
        action="store_true",
        help="print text, in a pager on a terminal, instead of opening the viewer",
    )
    add_position(parser)


def view(path: Path, arguments: argparse.Namespace) -> None:
    """Show the snapshot in ``path``.

    Raises SnapshotFormatError; UsageError if there can be no viewer for ``--at``, and
    MissingError if nothing is there.
    """
    wants_text = arguments.text or presentation.is_text_wanted(arguments)
    if arguments.at is not None or (not wants_text and is_viewer_possible()):
        open_viewer(path, arguments.at)
        return
    from coresnap.snapshot.container import read_snapshot

    snapshot = read_snapshot(path)
    pager = _pager()
    if arguments.json or pager is None or not sys.stdout.isatty():
        presentation.present(snapshot, arguments)
        return
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        presentation.present(snapshot, arguments)
    environment = {"LESS": "FRX", **os.environ}
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        subprocess.run(
            pager,
            input=text.getvalue(),
            text=True,
            errors="backslashreplace",
            env=environment,
            check=False,
        )


def _pager() -> list[str] | None:
    for words in (os.environ.get("PAGER", ""), "less", "more"):
        pager = shlex.split(words)
        if pager and shutil.which(pager[0]):
            return pager
    return None
