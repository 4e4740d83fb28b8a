"""The wheel and the source distribution of this tree."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from builder.command import run
from builder.places import BUILD, REPOSITORY

__all__ = ["build_sdist", "build_wheel", "version_of"]

# Objects name no directory of the machine that compiled them.
_FLAGS = f"-ffile-prefix-map={REPOSITORY}=. -fdebug-prefix-map={REPOSITORY}=."


def build_wheel(output: Path) -> Path:
    """Build the wheel into ``output`` with the locked setuptools; return it."""
    return _built("--wheel", output, "*.whl")


def build_sdist(output: Path) -> Path:
    """Build the source distribution into ``output``; return it."""
    return _built("--sdist", output, "*.tar.gz")


def version_of(wheel: Path) -> str:
    """The version in the wheel's name, which setuptools took from pyproject.toml."""
    return wheel.name.split("-")[1]


def _built(kind: str, output: Path, pattern: str) -> Path:
    scratch = BUILD / kind.strip("-")
    shutil.rmtree(scratch, ignore_errors=True)
    # setuptools keeps build/lib*, and with it modules that are gone from the source.
    for left in (REPOSITORY / "build").glob("lib*"):
        shutil.rmtree(left)
    flags = f"{os.environ.get('CFLAGS', '')} {_FLAGS}".strip()
    words = ["uv", "build", "--no-build-isolation", kind, "--out-dir", str(scratch)]
    run([*words, str(REPOSITORY)], env={"CFLAGS": flags})
    (built,) = scratch.glob(pattern)
    output.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(built, output))
