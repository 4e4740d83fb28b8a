"""Another user of the machine, who owns nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

STRANGER = 4711
"""Uid and gid."""


def as_stranger(*command: str | Path) -> list[str | Path]:
    """Return the command line that runs ``command`` as the stranger, or skip."""
    if shutil.which("setpriv") is None:
        pytest.skip("not installed: setpriv")
    user = [f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
    # setpriv keeps root's capabilities until the next exec, that of the shell.
    return ["setpriv", *user, "sh", "-c", 'exec "$@"', "sh", *command]
