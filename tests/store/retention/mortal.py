"""A run of retention that is killed at a named step.

    python mortal.py

reads lines ``DIRECTORY STEP`` and forks for each: the child opens the store, runs
retention, and gets SIGKILL at its STEPth boundary, as in ``accepting/mortal.py``.
A line is answered with ``killed`` or, if there are fewer boundaries, ``done``.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from coresnap.store.access.projects import find_project
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.retention.running import Instance, apply_to
from store.accepting.mortal import Fate, make_mortal

NOW = 1_700_000_000


def run(directory: Path, step: int) -> None:
    store = open_store(StoreSettings(directory))
    with store.state.read() as connection:
        project = find_project(connection, "cf", "blackhole")
    fate = Fate(step)
    make_mortal(store, fate, everywhere=False)
    store.index.drop_before = fate.around(store.index.drop_before)  # type: ignore[method-assign]
    apply_to(store, project, NOW, 60, Instance())


def main() -> None:
    for line in sys.stdin:
        directory, step = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            try:
                run(Path(directory), int(step))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        words = {signal.SIGKILL: "killed", 0: "done"}
        print(words.get(status, f"failed with {status}"), flush=True)


if __name__ == "__main__":
    main()
