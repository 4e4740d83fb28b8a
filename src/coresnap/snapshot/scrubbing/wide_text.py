"""Text in memory whose characters take two bytes: UTF-16, little-endian."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["wide_runs"]

_RUN = re.compile(rb"(?:[\t\n\r\x20-\x7e]\0){8,}")


def wide_runs(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where such text begins, and its characters as one byte each."""
    for run in _RUN.finditer(data):
        yield run.start(), run.group()[::2]
