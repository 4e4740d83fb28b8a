"""The world in which pages are read: a spool, a store, and the files that they name.

Everything in it is real. A program has crashed and the kernel wrote its core; the spool
was filled by ``coresnap import`` and ``coresnap retry``, the store by ``coroner put``.
Ids are those that the pages show.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from docs.pages import REPOSITORY
from imported import SOURCE

__all__ = ["Outcome", "World", "running_world", "why_no_world"]

TESTS = REPOSITORY / "tests"
PLACE = Path("/dev/shm")
"""A filesystem that is not the root's, for what is written."""


@attrs.frozen
class Outcome:
    """What came of a step."""

    exit: int | str
    """The exit code, or what happened instead."""
    said: str


@attrs.frozen
class World:
    """What is there before the first word of a page is read."""

    directory: Path
    typist: subprocess.Popen[str]

    def read(
        self, steps: Sequence[dict[str, Any]], *, keep: bool = False
    ) -> list[Outcome]:
        """Take a page's steps in this world; with ``keep`` they become part of it."""
        base = self.directory / "base"
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
            order = {
                "lower": None if keep else str(base),
                "upper": str(base) if keep else scratch,
                "environment": _environment(self.directory),
                "steps": list(steps),
            }
            assert self.typist.stdin is not None
            assert self.typist.stdout is not None
            self.typist.stdin.write(json.dumps(order) + "\n")
            self.typist.stdin.flush()
            return [Outcome(**one) for one in json.loads(self.typist.stdout.readline())]


def why_no_world() -> str | None:
    """Say what is missing for namespaces and overlays, or None."""
    if os.geteuid() != 0:
        return "not root"
    if not PLACE.is_dir() or PLACE.stat().st_dev == Path("/").stat().st_dev:
        return f"{PLACE} is no filesystem of its own"
    trial = "mount -t overlay o -o lowerdir=/,upperdir=u,workdir=w r && ip link"
    with tempfile.TemporaryDirectory(dir=PLACE) as directory:
        for name in "uwr":
            Path(directory, name).mkdir()
        run = subprocess.run(
            ["unshare", "--mount", "--net", "--uts", "sh", "-c", trial],
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
    return None if run.returncode == 0 else f"no namespaces: {run.stderr.strip()}"


def _environment(directory: Path) -> dict[str, str]:
    path = os.environ["PATH"]
    return {
        "PATH": f"{directory}/bin:{Path(sys.executable).parent}:{path}",
        "PYTHONPATH": str(SOURCE),
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "REPOSITORY": str(REPOSITORY),
    }


_COMMANDS = {
    "coresnap": "coresnap.views.cli.process:run_process",
    "coroner": "coresnap.views.cli.process:run_coroner",
    "coresnapd": "coresnap.daemon.main:main",
}


def _install_commands(directory: Path) -> None:
    (directory / "bin").mkdir()
    for name, place in _COMMANDS.items():
        module, _, function = place.partition(":")
        code = f"import sys; from {module} import {function} as run; sys.exit(run())"
        path = directory / "bin" / name
        path.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' \"$@\"\n")
        path.chmod(0o755)


@contextmanager
def running_world(core: Path, program: Path) -> Iterator[World]:
    """Make the world of a core and the program that left it."""
    directory = Path(tempfile.mkdtemp(prefix="coresnap-docs-", dir=PLACE))
    directory.chmod(0o755)
    _install_commands(directory)
    typist = subprocess.Popen(
        [sys.executable, "-m", "docs.typist"],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": f"{SOURCE}:{TESTS}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        world = World(directory, typist)
        _furnish(world, core, program)
        yield world
    finally:
        assert typist.stdin is not None
        typist.stdin.close()
        typist.wait(60)
        assert typist.stdout is not None
        typist.stdout.close()
        shutil.rmtree(directory)


def _furnish(world: World, core: Path, program: Path) -> None:
    words = f"{sys.executable} {Path(__file__).with_name('furnish.py')}"
    script = Path(__file__).with_name("furnish.sh")
    typed = f"CORE={core} PROGRAM={program} PUT='{words}' sh -eu {script}"
    step = {"what": "type", "text": typed, "until": "", "store": False}
    (outcome,) = world.read([step], keep=True)
    if outcome.exit != 0:
        raise RuntimeError(f"the world cannot be furnished:\n{outcome.said}")
