"""Types the commands of pages: a process that is asked page by page.

It imports our commands once. For each page it leaves a child in a namespace of its own
(``namespace.py``), which goes through the page's steps in order: a file is written, a
command is typed. One of ours without a shell's signs runs in a fork of the child, by
the program's own ``main``; all others are given to a shell, whose ``PATH`` has our
commands first.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from coresnap.errors import CoresnapError
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import load, main
from coresnap.views.cli.program import CORESNAP
from docs.namespace import enter

HOME = Path("/root")
WORK = Path("/srv/work")
SERVE = "coroner serve --data ./store"
PATIENCE = 300.0
"""Seconds after which a command is ended, and has failed."""
_PROGRAMS = {program.name: program for program in (CORESNAP, CORONER)}
_SIGNS_OF_A_SHELL = set("|&;<>()$`*?[]~#\n")


def import_commands() -> None:
    """Have all commands' modules, so that forks need not import them."""
    for program in _PROGRAMS.values():
        for name in program.commands:
            with contextlib.suppress(CoresnapError, ImportError):
                load(name, program)
    for module in (
        "duckdb",
        "httpx2",
        "sqlalchemy",
        "starlette.applications",
        "uvicorn",
    ):
        importlib.import_module(module)
    importlib.import_module("coresnap.store.server.serving")


class Typist:
    """Goes through one page."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.servers: list[tuple[str, int]] = []
        """Commands that run in the background, and their process groups."""

    def take(self, step: dict[str, Any]) -> dict[str, Any]:
        """Take one step; return what came of it."""
        if step["what"] != "type":
            path = WORK / step["what"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["text"])
            return {"exit": 0, "said": ""}
        command = step["text"].removesuffix("&").strip()
        if step["until"]:
            return self._serve(command, step["until"], needs_store=step["store"])
        if step["store"]:
            self._need_store()
        elif "coroner" in command:
            self.end()  # what works on a directory wants no server on it
        said = WORK.parent / "said"
        return self._wait(self._start(command, said), said)

    def end(self) -> None:
        """End what runs in the background."""
        while self.servers:
            self._stop(self.servers.pop()[1])

    def _need_store(self) -> None:
        served = [name for name, _ in self.servers if " serve" in name]
        if not any("--tls" not in name for name in served):
            self.end()
            started = self._serve(SERVE, "listens on", needs_store=False)
            if started["exit"]:
                raise RuntimeError(started["said"])

    def _serve(self, command: str, until: str, *, needs_store: bool) -> dict[str, Any]:
        """Run what does not end by itself until it says ``until``."""
        same = " ".join(command.split()[:2])
        for server in [one for one in self.servers if one[0].startswith(same)]:
            self.servers.remove(server)
            self._stop(server[1])
        if needs_store:
            self._need_store()
        said = WORK.parent / f"said.{time.monotonic_ns()}"
        child = self._start(command, said)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if re.search(until, said.read_text(errors="replace")):
                self.servers.append((command, child))
                return {"exit": 0, "said": said.read_text(errors="replace")}
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status) or "ended by itself"
                return {"exit": code, "said": said.read_text(errors="replace")}
            time.sleep(0.02)
        self._stop(child)
        return {"exit": "said nothing of it", "said": said.read_text(errors="replace")}

    def _start(self, command: str, said: Path) -> int:
        said.write_bytes(b"")
        child = os.fork()
        if child == 0:
            _become(command, said, self.environment)
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        return child

    def _wait(self, child: int, said: Path) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                text = said.read_text(errors="replace")
                return {"exit": os.waitstatus_to_exitcode(status), "said": text}
            time.sleep(0.005)
        self._stop(child)
        return {"exit": "did not end", "said": said.read_text(errors="replace")}

    def _stop(self, child: int) -> None:
        for number, patience in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 20.0)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, number)
            end = time.monotonic() + patience
            while time.monotonic() < end:
                try:
                    if os.waitpid(child, os.WNOHANG)[0]:
                        return
                except ChildProcessError:
                    return
                time.sleep(0.01)


def _become(command: str, said: Path, environment: dict[str, str]) -> None:
    """In a fork: run the command, and end."""
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(WORK)
        output = os.open(said, os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(environment)
        plain = not _SIGNS_OF_A_SHELL & set(re.sub(r"'[^']*'", "", command))
        words = shlex.split(command) if plain else []
        if words and words[0] in _PROGRAMS:
            sys.argv = words
            code = main(words[1:], _PROGRAMS[words[0]])
        else:
            os.execvpe("bash", ["bash", "-c", command], environment)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def type_page(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Go through a page in a namespace of its own, in a child; return what came."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        results: list[dict[str, Any]] = []
        try:
            lower = Path(order["lower"]) if order["lower"] else None
            enter(Path(order["upper"]), lower)
            WORK.mkdir(parents=True, exist_ok=True)
            typist = Typist(order["environment"])
            try:
                results.extend(typist.take(step) for step in order["steps"])
            finally:
                typist.end()
        except BaseException:
            results.append({"exit": "the world broke", "said": traceback.format_exc()})
        with open(write, "w") as stream:
            json.dump(results, stream)
        os._exit(0)
    os.close(write)
    with open(read) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    subprocess.run(["rm", "-rf", order["upper"] + "/work"], check=False)
    return list(json.loads(text)) if text else []


if __name__ == "__main__":
    import_commands()
    for line in sys.stdin:
        print(json.dumps(type_page(json.loads(line))), flush=True)
