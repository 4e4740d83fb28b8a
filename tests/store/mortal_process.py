"""A program of tests that forks what is to be killed, and is told so line by line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["answer_of", "mortal_process", "tell"]


@contextlib.contextmanager
def mortal_process(script: Path) -> Iterator[subprocess.Popen[str]]:
    """Run ``script`` until the block ends; it ends with its standard input."""
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Send it a line."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def answer_of(process: subprocess.Popen[str], line: str) -> str:
    """Send it a line, and return the line that it answers."""
    tell(process, line)
    assert process.stdout is not None
    return process.stdout.readline().strip()
