"""Directories with short names, for paths that go into core_pattern or a socket."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """Make a directory that every user may pass through, and remove it afterwards.

    pytest's own are long, 0700, and longer with each run; core_pattern has 127 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="cs-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory
