"""Shows a snapshot: as text, in a pager where somebody sits before a terminal."""

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

__all__ = ["view"]


def view(path: Path, arguments: argparse.Namespace) -> None:
    """Show the snapshot in ``path``. Raises SnapshotFormatError."""
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
