"""Faults are read again with the symbols that came, beside everything else."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import msgspec

from coresnap.store.accepting.accept import accept
from coresnap.store.access.projects import all_projects
from coresnap.store.project import Project
from coresnap.store.server.call import Staged
from coresnap.store.server.server import Server
from coresnap.store.symbols.applying import Reader, SymbolApplier

__all__ = ["SymbolLoop"]

_READER = Reader((sys.executable, "-m", "coresnap", "resymbolize", "--no-debuginfod"))

_BUDGET = 5.0
"""Seconds of work, lest a server that is to end goes on for longer."""


class SymbolLoop:
    """Applies symbols to the faults of all projects, one project after the other."""

    def __init__(self, server: Server, reader: Reader = _READER) -> None:
        self._server = server
        self._applier = SymbolApplier(server.store, reader, self._replace)

    def run_once(self) -> None:
        """Apply what came; says in the log what became of it."""
        with self._server.store.state.read() as connection:
            projects = all_projects(connection)
        for project in projects:
            applied = self._applier.apply(project, int(time.time()), _BUDGET)
            if applied is None:
                continue
            self._server.log.info(
                f"{applied.changed} faults of {project} were read again with symbols",
                unchanged=applied.unchanged,
            )
            for reason in applied.failed:
                self._server.log.warning(f"{project}: {reason}")

    def _replace(self, project: Project, object_id: str, path: Path) -> None:
        # Nobody sent it, so it counts for no quota.
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            staged = Staged(file, path.stat().st_size, digest)
            arrival = self._server.validators.read(staged)
            # A snapshot that has no id of its own is named by its bytes, the first.
            arrival = msgspec.structs.replace(arrival, object=object_id)
            accept(self._server.store, project, arrival, staged, replace=True)
