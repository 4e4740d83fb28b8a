"""Puts, indexing and removals that are killed at a named step.

    python mortal.py

reads lines ``DIRECTORY DATABASE OBJECTS STEP`` and forks for each: the child opens the
store, does what ``script`` has, and gets SIGKILL when it passes its STEPth boundary:
before and after each commit and each call of objects and index; a STEP below zero
counts each call of the kernel that changes files and each statement, too. What was
acknowledged is in ``DIRECTORY/acknowledged``. A line is answered
with ``killed`` or, if there are fewer boundaries, ``done``.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy

sys.path.insert(0, str(Path(__file__).parents[2]))

from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.forgetting import drop_bodies, forget
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.access.projects import ensure_project
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.project import Project
from coresnap.store.state.prepared import Prepared
from coresnap.store.store import Store
from store.arrivals import Sent, make_sent

FIRST, SECOND, THIRD = make_sent(1), make_sent(2, kind=1), make_sent(3)
FOURTH = make_sent(4, kind=1)
OTHER = make_sent(1, body=b"other bytes", kind=2)
"""Takes the place of the first."""
SURVIVORS = {
    OTHER.arrival.object: OTHER,
    THIRD.arrival.object: THIRD,
    FOURTH.arrival.object: FOURTH,
}
WITHOUT_BODY = FOURTH.arrival.object
LATE = (
    "coresnap.store.index.duckdb.index",
    "coresnap.store.objects.s3",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
)
"""What a store imports when it needs it."""


def script(store: Store, project: Project) -> list[Callable[[], object]]:
    """What clients ask for, one after the other; each may be asked again."""

    def put(sent: Sent, *, replace: bool = False) -> Callable[[], object]:
        return lambda: accept(
            store, project, sent.arrival, sent.staged, replace=replace
        )

    return [
        put(FIRST),
        put(SECOND),
        put(FIRST),
        Indexer(store).run_once,
        put(OTHER, replace=True),
        lambda: forget(store, project, [SECOND.arrival.object]),
        put(THIRD),
        put(FOURTH),
        lambda: drop_bodies(store, project, [FOURTH.arrival.object], "tried"),
        Indexer(store).run_once,
    ]


@attrs.define
class Fate:
    """Counts boundaries down to the one that is deadly."""

    left: int

    def pass_by(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def mortal(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - anything
            self.pass_by()
            result = call(*arguments, **named)
            self.pass_by()
            return result

        return mortal


def make_mortal(store: Store, fate: Fate, *, everywhere: bool) -> None:
    for place, names in (
        (store.objects, ("put", "replace", "remove")),
        (store.index, ("write",)),
        (store.state.engine.dialect, ("do_commit",)),
    ):
        for name in names:
            setattr(place, name, fate.around(getattr(place, name)))
    if not everywhere:
        return
    for name in ("fsync", "link", "rename", "unlink", "mkdir", "write"):
        setattr(os, name, fate.around(getattr(os, name)))
    for event in ("before_cursor_execute", "after_cursor_execute"):
        sqlalchemy.event.listen(
            store.state.engine, event, lambda *ignored: fate.pass_by()
        )
    if store.state.is_sqlite:  # its driver runs them, and SQLAlchemy does not see it
        Prepared.run = fate.around(Prepared.run)  # type: ignore[method-assign]


def run(directory: Path, database: str, objects: str, step: int) -> None:
    store = open_store(StoreSettings(directory / "store", database, objects))
    with store.state.write() as connection:
        project = ensure_project(connection, "cf", "blackhole")
    acknowledge = os.write
    file = os.open(directory / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    make_mortal(store, Fate(abs(step)), everywhere=step < 0)
    for task in script(store, project):
        task()
        acknowledge(file, b"+")


def load_places() -> None:
    """Import ``LATE`` once, not in each child.

    Nothing is opened: the children would have none of an engine's threads.
    """
    for name in LATE:
        with contextlib.suppress(ImportError):  # a machine without S3 or PostgreSQL
            importlib.import_module(name)


def main() -> None:
    load_places()
    for line in sys.stdin:
        directory, database, objects, step = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            try:
                run(Path(directory), database, objects, int(step))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        words = {signal.SIGKILL: "killed", 0: "done"}
        print(words.get(status, f"failed with {status}"), flush=True)


if __name__ == "__main__":
    main()
