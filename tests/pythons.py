"""The CPythons of this machine that tests of interpreted frames can run."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs

_ASK = """
import json, sys, sysconfig
print(json.dumps([
    list(sys.version_info[:3]),
    sysconfig.get_config_var("Py_GIL_DISABLED") == 1,
    sysconfig.get_path("include"),
    sys.implementation.name,
]))
"""
OLDEST = (3, 9)


@attrs.frozen
class Python:
    """One interpreter."""

    command: tuple[str, ...]
    """What to run; more than its path where it needs a loader of its own."""
    version: tuple[int, int, int]
    free_threaded: bool
    include: Path

    @property
    def name(self) -> str:
        """How reports call it: ``CPython 3.12``."""
        return f"CPython {self.version[0]}.{self.version[1]}"

    def __str__(self) -> str:
        return ".".join(map(str, self.version)) + "t" * self.free_threaded


@functools.cache
def pythons() -> tuple[Python, ...]:
    """One of each version: those of CORESNAP_PYTHONS, of pyenv, and of PATH.

    CORESNAP_PYTHONS holds commands, separated by ``;``.
    """
    found: dict[tuple[tuple[int, int], bool], Python] = {}
    for command in _commands():
        python = _ask(command)
        if python is not None:
            key = python.version[:2], python.free_threaded
            found.setdefault(key, python)
    return tuple(found[key] for key in sorted(found))


def _commands() -> Iterator[tuple[str, ...]]:
    for command in os.environ.get("CORESNAP_PYTHONS", "").split(";"):
        if command.strip():
            yield tuple(command.split())
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for installed in sorted(root.glob("versions/*/bin/python3")):
        yield (str(installed),)
    for minor in range(OLDEST[1], 20):
        for name in (f"python3.{minor}", f"python3.{minor}t"):
            path = shutil.which(name)
            # A shim of pyenv only runs what is chosen there.
            if path is not None and "/shims/" not in path:
                yield (path,)
    yield ("/usr/bin/python3",)


def _ask(command: tuple[str, ...]) -> Python | None:
    try:
        run = subprocess.run(
            [*command, "-c", _ASK], capture_output=True, text=True, check=True
        )
        version, free_threaded, include, implementation = json.loads(run.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
    major, minor, micro = version
    if implementation != "cpython" or (major, minor) < OLDEST:
        return None
    return Python(command, (major, minor, micro), free_threaded, Path(include))


_FAULT_FRAME = re.compile(r'  File "(.*)", line (\d+|\?\?\?) in (.*)')
_CONSTRUCTOR = ("__init__", None, "__init__")
"""A frame of the evaluator's own, below a constructor that it has specialised."""


@attrs.define
class FaultStack:
    """One thread as faulthandler saw it."""

    crashed: bool
    frames: list[tuple[str, int | None, str]] = attrs.field(factory=list)
    """(file, line, function), innermost first."""
    limit: int | None = 100
    """How many frames it can tell; more may have been there."""


def fault_stacks(text: str) -> list[FaultStack]:
    """What faulthandler wrote, the thread that crashed first."""
    threads: list[FaultStack] = []
    for line in text.splitlines():
        if line.endswith("thread's C stack trace (most recent call first):"):
            break
        if "(most recent call first)" in line:
            threads.append(FaultStack(line.startswith("Current")))
        elif (match := _FAULT_FRAME.fullmatch(line)) and threads:
            number = int(match[2]) if match[2].isdigit() else None
            frame = match[1], number, match[3]
            if frame != _CONSTRUCTOR:
                threads[-1].frames.append(frame)
        elif line == "  <invalid frame>":  # 3.14, after such a frame
            threads[-1].limit = len(threads[-1].frames)
    return sorted(threads, key=lambda thread: not thread.crashed)
