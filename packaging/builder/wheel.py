"""The wheel and the source distribution of this tree."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from builder.command import run
from builder.places import REPOSITORY

__all__ = ["build_sdist", "build_wheel", "version_of"]

_NOT_SOURCE = shutil.ignore_patterns(
    "__pycache__", "*.so", "*.egg-info", "libexec", "_capstone.py"
)


def build_wheel(output: Path) -> Path:
    """Build the wheel into ``output`` with the locked setuptools; return it."""
    return _built("--wheel", ("native", "src"), output)


def build_sdist(output: Path) -> Path:
    """Build the source distribution into ``output``; return it."""
    everything = ("native", "src", "tests", "docs", "packaging", ".github", ".ci")
    return _built("--sdist", everything, output)


def version_of(wheel: Path) -> str:
    """The version in the wheel's name, which setuptools took from pyproject.toml."""
    return wheel.name.split("-")[1]


def _built(kind: str, trees: tuple[str, ...], output: Path) -> Path:
    # Elsewhere: setuptools keeps what it builds, and with it modules that are gone.
    with tempfile.TemporaryDirectory(prefix="coresnap-build-") as directory:
        source, built = Path(directory, "source"), Path(directory, "built")
        for tree in trees:
            shutil.copytree(REPOSITORY / tree, source / tree, ignore=_NOT_SOURCE)
        for path in REPOSITORY.glob("*.*"):
            if path.is_file():
                shutil.copy(path, source)
        # Objects name no directory of the machine that compiled them.
        flags = f"{os.environ.get('CFLAGS', '')} -ffile-prefix-map={source}=."
        words = ["uv", "build", "--no-build-isolation", kind, "--out-dir", str(built)]
        run([*words, str(source)], env={"CFLAGS": flags.strip()})
        (file,) = (path for path in built.iterdir() if path.suffix in (".whl", ".gz"))
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(file, output))
