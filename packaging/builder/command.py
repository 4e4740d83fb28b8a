"""Programs that the build runs, whose failure ends it with what they said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["BuildError", "output_of", "run"]


class BuildError(Exception):
    """The build cannot go on; the message says what to do."""


def run(
    words: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a program; raise BuildError with its output if it fails."""
    output_of(words, cwd=cwd, env=env)


def output_of(
    words: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its standard output; raise BuildError if it fails."""
    name = Path(words[0]).name
    try:
        process = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise BuildError(f"{name} is not installed") from None
    if process.returncode:
        sys.stderr.write(process.stdout + process.stderr)
        raise BuildError(f"{name} failed with {process.returncode}, see above")
    return process.stdout
