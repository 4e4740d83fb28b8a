"""Where coresnap.conf is looked for. Imports nothing: a command that needs no settings
asks only whether there are any."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SEARCH_PATH", "find_source"]

SEARCH_PATH = (
    Path("/usr/local/etc/coresnap/coresnap.conf"),
    Path("/etc/coresnap/coresnap.conf"),
)


def find_source() -> Path | None:
    """Return the first file of ``SEARCH_PATH`` that exists."""
    return next((path for path in SEARCH_PATH if path.exists()), None)
