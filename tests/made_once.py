"""What takes long to make, made by one of the processes that share out the tests."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

__all__ = ["made_once"]


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Let ``make`` fill a new directory ``name`` of this run; return the directory.

    The others wait until it is there. What ``make`` raises leaves nothing behind, so
    that each of them says itself what is wrong.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # a worker's own lies in that of the run
    directory = root / f"once-{name}"
    with (root / f"once-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            made = factory.mktemp(name)
            make(made)
            made.rename(directory)
    return directory
