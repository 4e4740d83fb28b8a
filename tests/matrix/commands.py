"""Runs compilers and binutils."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ToolError", "run_tool"]

_RUST = Path.home() / ".cargo" / "bin"
_TIMEOUT = 300


class ToolError(Exception):
    """A tool is missing, fails, or hangs; the text is its command and its answer."""


def run_tool(command: Sequence[str | Path], directory: Path | None = None) -> str:
    """Return what a tool prints; rustc is found where rustup installs it, too."""
    path = f"{os.environ.get('PATH', os.defpath)}:{_RUST}"
    line = [str(word) for word in command]
    try:
        run = subprocess.run(
            line,
            cwd=directory,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{shlex.join(line)}: {error}") from error
    if run.returncode:
        raise ToolError(f"{shlex.join(line)}: {run.stderr.strip()[-1000:]}")
    return run.stdout
