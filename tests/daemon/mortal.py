"""A daemon that kills itself, or is killed by its worker, at a named step.

    python mortal.py ROOT STEP NUMBER [COMPRESS]

It serves the spool below ROOT with a backend in memory and an analysis that copies the
core, or the assets where there is none. At the NUMBERth time that STEP is reached the
daemon gets SIGKILL. Steps are ``before:EVENT`` and ``after:EVENT`` of the journal,
``before:`` and ``after:`` of ``commit``, ``rename`` and ``remove``, and
``worker:begin``, ``worker:half``, ``worker:end`` (the worker kills the daemon) and
``worker:dies`` (the worker kills itself). ``none`` never comes. With
COMPRESS cores stay, in that form.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from coresnap.backends.fake import FakeBackend
from coresnap.collect.journal import Entry, Event, Journal
from coresnap.collect.spool import Part, Spool, TemporaryFile
from coresnap.config import load_config
from coresnap.daemon import main
from coresnap.daemon.job import Job
from coresnap.daemon.log import make_logger


@attrs.define
class Fate:
    """Counts down to the one step that is deadly."""

    step: str
    number: int

    def reached(self, step: str) -> bool:
        if step != self.step:
            return False
        self.number -= 1
        return self.number == 0

    def pass_by(self, step: str) -> None:
        if self.reached(step):
            os.kill(os.getpid(), signal.SIGKILL)


def mortal_journal(fate: Fate) -> Callable[[Path], Journal]:
    class MortalJournal(Journal):
        def record(self, archive_id: str, event: Event, **detail: object) -> Entry:
            fate.pass_by(f"before:{event}")
            entry = super().record(archive_id, event, **detail)
            fate.pass_by(f"after:{event}")
            return entry

    return MortalJournal


def mortal_spool(fate: Fate) -> type[Spool]:
    class MortalSpool(Spool):
        def commit(
            self, part: Part, file: TemporaryFile, name: str, *, replace: bool = False
        ) -> None:
            fate.pass_by("before:commit")
            super().commit(part, file, name, replace=replace)
            fate.pass_by("after:commit")

        def remove(self, part: Part, name: str) -> bool:
            fate.pass_by("before:remove")
            removed = super().remove(part, name)
            fate.pass_by("after:remove")
            return removed

    return MortalSpool


def mortal_rename(fate: Fate) -> Callable[..., None]:
    rename = os.rename

    def mortal(source: str, target: str, **where: int) -> None:
        fate.pass_by("before:rename")
        rename(source, target, **where)
        fate.pass_by("after:rename")

    return mortal


def copy_source(job: Job, output: int, fate: Fate, root: Path) -> dict[str, Any]:
    """Analyse: the snapshot is the source, backwards; each run leaves a line."""
    marker = root / "worker-step"
    daemon = os.getppid()

    def deadly(step: str, victim: int) -> None:
        # The count lives in the daemon; the worker's copy starts at 1 with each fork.
        if fate.step == step and not marker.exists():
            marker.touch()
            os.kill(victim, signal.SIGKILL)

    with (root / "runs").open("a") as runs:
        runs.write(f"{job.id}\n")
    deadly("worker:begin", daemon)
    deadly("worker:dies", os.getpid())
    source = job.assets if job.is_record else job.core
    assert source is not None
    data = source.read_bytes()[::-1]
    os.write(output, data[: len(data) // 2])
    deadly("worker:half", daemon)
    os.write(output, data[len(data) // 2 :])
    deadly("worker:end", daemon)
    return {"size": len(data), "checks": []}


def serve(root: Path, fate: Fate, compress: str | None = None) -> None:
    (root / "empty.conf").touch()
    config = attrs.evolve(
        load_config(root / "empty.conf"),
        root=root,
        user="root",
        worker_attempts=3,
        worker_time=30,
    )
    if compress is not None:
        config = attrs.evolve(config, compress=compress, purge_core="never")
    setattr(main, "Spool", mortal_spool(fate))  # noqa: B010 - a class, not a value
    os.rename = mortal_rename(fate)
    main.serve(
        config,
        FakeBackend(),
        make_logger(json=True, syslog=False),
        analyse=lambda job, output: copy_source(job, output, fate, root),
        prepare=lambda: None,
        make_journal=mortal_journal(fate),
    )


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Fate(sys.argv[2], int(sys.argv[3])), *sys.argv[4:])
