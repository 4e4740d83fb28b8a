"""Servers that are killed at a numbered step, one after the other on one store.

    python mortal.py

reads lines ``DATA STEP`` and forks for each: the child is ``coroner serve`` on DATA and
gets SIGKILL when it passes its STEPth boundary, before and after each commit and each
call of objects and index, of whichever thread; 0 is none. Its address, or ``killed`` if
it never listened, answers the line; an empty line kills it where it is.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import coresnap.config.server_reading
import coresnap.daemon.log  # noqa: F401 - once, not in each child
from coresnap.config.server import ServerConfig
from coresnap.store.server import starting
from coresnap.store.store import Store
from coresnap.views.cli.coroner import serve
from store.accepting.mortal import Fate, load_places, make_mortal


def be_server(data: Path, step: int, log: Path) -> None:
    opened = starting.open_configured

    @contextlib.contextmanager
    def open_mortal(config: ServerConfig) -> Iterator[Store]:
        with opened(config) as store:
            make_mortal(store, Fate(step), everywhere=False)
            yield store

    setattr(starting, "open_configured", open_mortal)  # noqa: B010 - a function
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    words = ["--data", str(data), "--universe", "cf", "--project", "blackhole"]
    serve.run(parser.parse_args([*words, "--json", "--listen", "http://127.0.0.1:0"]))


def address_of(child: int, log: Path) -> str:
    """Wait until it listens or has ended."""
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if log.exists() and (
            found := re.search(r"listens on (http://[0-9.:]+)", log.read_text())
        ):
            return found[1]
        time.sleep(0.005)
    return "killed"


def main() -> None:
    load_places()
    for line in iter(sys.stdin.readline, ""):
        data, step = line.rstrip("\n").rsplit(" ", 1)
        log = Path(data) / "log"
        log.parent.mkdir(exist_ok=True)
        log.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                be_server(Path(data), int(step), log)
            os._exit(1)
        print(address_of(child, log), flush=True)
        sys.stdin.readline()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
