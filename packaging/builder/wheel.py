"""The wheel of this tree for packages: linked with the system's own libraries."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from builder.command import run
from builder.places import REPOSITORY

__all__ = ["build_wheel", "version_of"]

_NOT_SOURCE = shutil.ignore_patterns(
    "__pycache__", "*.so", "*.egg-info", "libexec", "_capstone.py"
)


def build_wheel(output: Path) -> Path:
    """Build the wheel into ``output`` with the locked setuptools; return it."""
    # Elsewhere: setuptools keeps what it builds, and with it modules that are gone.
    with tempfile.TemporaryDirectory(prefix="coresnap-build-") as directory:
        source = Path(directory, "source")
        for tree in ("native", "src"):
            shutil.copytree(REPOSITORY / tree, source / tree, ignore=_NOT_SOURCE)
        for path in REPOSITORY.glob("*.*"):
            if path.is_file():
                shutil.copy(path, source)
        # Objects name no directory of the machine that compiled them.
        flags = f"{os.environ.get('CFLAGS', '')} -ffile-prefix-map={source}=."
        # An environment that is active where the build runs is not the build's.
        words = ["uv", "build", "--no-build-isolation", "--python", sys.executable]
        words += ["--wheel", "--out-dir", str(output), str(source)]
        run(words, env={"CFLAGS": flags.strip()})
    (wheel,) = output.glob("*.whl")
    return wheel


def version_of(wheel: Path) -> str:
    """The version in the wheel's name, which setuptools took from pyproject.toml."""
    return wheel.name.split("-")[1]
