"""Where files of settings are looked for. Imports nothing: a command that needs no
settings asks only whether there are any."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SEARCH_PATH", "STORE_SEARCH_PATH", "find_source"]

SEARCH_PATH = (
    Path("/usr/local/etc/coresnap/coresnap.conf"),
    Path("/etc/coresnap/coresnap.conf"),
)

"""Of coresnap.conf."""
STORE_SEARCH_PATH = (
    Path("/usr/local/etc/coroner.cf"),
    Path("/etc/coroner.cf"),
    Path("/etc/coresnap/coroner.cf"),
)
"""Of coroner.cf, for the daemon; a person's own comes before. The last one is there
from the start where packages install it, so all others come first."""


def find_source() -> Path | None:
    """Return the first file of ``SEARCH_PATH`` that exists."""
    return next((path for path in SEARCH_PATH if path.exists()), None)
