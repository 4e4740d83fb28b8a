"""Runs compilers and binutils."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from matrix.design import Cell

__all__ = ["ToolError", "run_tool", "why_missing"]

_RUST = Path.home() / ".cargo" / "bin"
_TIMEOUT = 300


class ToolError(Exception):
    """A tool is missing, fails, or hangs; the text is its command and its answer."""


def why_missing(cell: Cell) -> str | None:
    """Say that a cell's compiler is not installed, or None."""
    compilers = {"C++": {"gcc": "g++", "clang": "clang++"}}
    name = compilers.get(cell.language, {}).get(cell.compiler, cell.compiler)
    found = shutil.which(name, path=_path())
    return None if found else f"not installed: {name}"


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:{_RUST}"


def run_tool(command: Sequence[str | Path], directory: Path | None = None) -> str:
    """Return what a tool prints; rustc is found where rustup installs it, too."""
    line = [str(word) for word in command]
    try:
        run = subprocess.run(
            line,
            cwd=directory,
            env={**os.environ, "PATH": _path()},
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
