"""Tries an installed wheel on a real core, with functions, lines and variables.

Run by the Python of the environment that it is installed in, without anything of this
tree on its path, as cibuildwheel does. The core is one of ``coresnap-crash`` that gdb's
``gcore`` takes, because a container may not change core_pattern.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

__all__ = ["main"]

COMMAND = Path(sys.executable).with_name("coresnap")
EXPECTED = ("ship", "crash.c", {"order", "way", "label", "express"})
"""A function of coresnap-crash, its source, and what it has in variables."""


def main() -> int:
    """Analyse a core; return 0 if the answer is whole."""
    crash = str(files("coresnap").joinpath("libexec", "coresnap-crash"))
    with tempfile.TemporaryDirectory() as directory:
        core = _core_of(crash, Path(directory))
        answer = subprocess.check_output([COMMAND, "analyze", core, "--json"])
    frames = [
        frame
        for thread in json.loads(answer)["threads"]
        for frame in thread.get("frames", ())
        if frame["function"] == EXPECTED[0]
    ]
    problem = _problem(frames)
    print(problem or f"{COMMAND}: a core was analysed with all that libdw gives")
    return 1 if problem else 0


def _core_of(program: str, directory: Path) -> str:
    with subprocess.Popen([program, "wait"]) as process:
        try:
            _wait_for(process.pid)
            words = ["gcore", "-o", str(directory / "core"), str(process.pid)]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        finally:
            process.kill()
    return str(directory / f"core.{process.pid}")


def _wait_for(pid: int) -> None:
    """Return when its threads are there and its first one sleeps in pause()."""
    tasks = Path(f"/proc/{pid}/task")
    while len(list(tasks.iterdir())) < 4 or " S " not in (
        Path(f"/proc/{pid}/stat").read_text()
    ):
        time.sleep(0.01)


def _problem(frames: list[dict[str, Any]]) -> str | None:
    function, source, variables = EXPECTED
    if not frames:
        return f"no frame of {function}(): no functions from DWARF"
    if Path(frames[0].get("file") or "").name != source or not frames[0].get("line"):
        return f"{function}() is at {frames[0].get('file')}:{frames[0].get('line')}"
    if missing := variables - {v["name"] for v in frames[0].get("variables", ())}:
        return f"{function}() lacks the variables {', '.join(sorted(missing))}"
    return None


if __name__ == "__main__":
    sys.exit(main())
