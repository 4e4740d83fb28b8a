"""Programs of the host, whose failure ends the test with what they said."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["TroubleError", "output_of", "why_no_system"]

_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "dpkg-deb": "dpkg",
    "cpio": "cpio",
    "cc": "gcc",
    "c++": "g++",
    "strip": "binutils",
}
"""Program to the Debian package that has it."""


class TroubleError(Exception):
    """The test cannot go on; the message says what to do."""


def why_no_system() -> str | None:
    """Say what this host lacks for a system of its own; None if nothing."""
    if os.uname().sysname != "Linux" or os.uname().machine != "x86_64":
        return "the image is made on Linux, for x86-64"
    if os.geteuid() != 0:
        return "not root"
    missing = [deb for name, deb in _PROGRAMS.items() if shutil.which(name) is None]
    return f"not installed: {' '.join(missing)}" if missing else None


def output_of(
    words: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> str:
    """Run a program and return its standard output; raise TroubleError if it fails."""
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise TroubleError(f"{words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise TroubleError(f"{words[0]} did not end within {timeout:.0f} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise TroubleError(f"{words[0]} failed with {done.returncode}:\n{said}")
    return done.stdout
