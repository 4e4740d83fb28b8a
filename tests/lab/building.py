"""Builds the programs of the laboratory."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import attrs

from lab.truth import PROGRAMS, Truth
from matrix.commands import run_tool

__all__ = ["Program", "build", "missing_tools"]

_FLAGS = ["-g", "-O0"]
_C = ["-w", f"-I{PROGRAMS}"]
_LIBRARIES = ["-pthread", "-lm"]
_COMPILERS = {"C": "gcc", "C++": "g++", "Rust": "rustc"}


@attrs.frozen
class Program:
    """One program that can be run, and a copy without symbols."""

    truth: Truth
    path: Path
    stripped: Path | None
    """None for a script: the interpreter is not ours."""
    command: tuple[str, ...]


def missing_tools() -> list[str]:
    """Tools that are not installed; rustc is found where rustup installs it, too."""
    places = f"{Path.home()}/.cargo/bin"
    return [
        tool
        for tool in (*_COMPILERS.values(), "strip", "gcore")
        if not (shutil.which(tool) or shutil.which(tool, path=places))
    ]


def build(truth: Truth, directory: Path) -> Program:
    """Build one program below ``directory``; raises ``ToolError``."""
    place = directory / truth.name
    place.mkdir(parents=True, exist_ok=True)
    path = place / truth.source.stem
    if truth.language == "Python":
        return Program(truth, path, None, (sys.executable, str(truth.source)))
    run_tool(_command(truth, path))
    stripped = place / "stripped"
    run_tool(["strip", "--strip-all", "-o", stripped, path])
    return Program(truth, path, stripped, (str(path),))


def _command(truth: Truth, path: Path) -> list[str | Path]:
    own = shlex.split(truth.values.get("build", ""))
    compiler: str = _COMPILERS[truth.language]
    if own and not own[0].startswith("-"):
        compiler = own.pop(0)
    if truth.language == "Rust":
        flags = own or ["-g"]
        # The same names in every release: Debian's rustc still writes the legacy ones.
        flags += ["--edition=2021", "-Awarnings", "-Csymbol-mangling-version=v0"]
        return [compiler, *flags, truth.source, "-o", path]
    flags = own or _FLAGS
    if truth.language == "C++":
        flags = [*flags, "-std=c++17"]
    return [compiler, *flags, *_C, truth.source, "-o", path, *_LIBRARIES]
