"""Reading faults again when their symbols have come.

A program of its own reads each snapshot: it opens files that others made, and its death
costs that fault its names, and nothing else. What it writes takes the fault's place.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import BinaryIO

import attrs
import sqlalchemy

from coresnap.errors import CoresnapError, InputError, MissingError
from coresnap.store.accepting.rows import find_fault
from coresnap.store.attributes.known import known
from coresnap.store.project import Project
from coresnap.store.state.tables.symbols import SYMBOLS_TO_APPLY
from coresnap.store.store import Store
from coresnap.store.symbols.faults_waiting import faults_waiting
from coresnap.store.symbols.files import (
    KeptSymbols,
    being_applied,
    kept_symbols,
)

__all__ = ["Applied", "Reader", "SymbolApplier"]

_QUIET = 2
"""Seconds without an upload: builds send many files, and each fault is read once."""
_TIME_LIMIT = 120
_CHUNK = 1 << 20
_LIMITED = f'ulimit -c 0; ulimit -v {4 << 20}; ulimit -t {_TIME_LIMIT}; exec "$@"'
"""4 GiB: debug information is mapped, not read."""

Replace = Callable[[Project, str, Path], None]
"""Puts the snapshot in a file in the place of the fault with an object id."""


@attrs.frozen
class Reader:
    """The program that reads a snapshot again."""

    words: tuple[str, ...]
    """Its command line, to which snapshot and directories are added."""

    def read(self, snapshot: Path, symbols: Path, output: Path) -> bool:
        """Read ``snapshot`` with the files below ``symbols``; False: they add nothing.

        Raises InputError if the program fails or takes too long.
        """
        words = [*self.words, snapshot, "--symbols", symbols, "-o", output]
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", _LIMITED, "sh", *(str(word) for word in words)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"reading it again takes more than {_TIME_LIMIT} seconds"
            ) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-300:]
            raise InputError(f"reading it again failed ({done.returncode}): {said}")
        return output.exists()


@attrs.frozen
class Applied:
    """What became of one project's faults."""

    changed: int
    unchanged: int
    failed: tuple[str, ...]
    """Why, for each of them; the first hundred."""
    is_all: bool
    """None is left."""


@attrs.define
class SymbolApplier:
    """Applies symbols to the faults of one store; called by one of its loops."""

    store: Store
    reader: Reader
    replace: Replace
    settled: dict[int, set[str]] = attrs.field(factory=dict)
    """By project: faults that symbols were tried on since they came."""

    def apply(self, project: Project, now: int, seconds: float) -> Applied | None:
        """Read again what new symbols of ``project`` are of, for about ``seconds``.

        None if there are none. Interrupted, it begins again with those that are left.
        """
        build_ids = self._due(project, now)
        if not build_ids:
            return None
        with tempfile.TemporaryDirectory(prefix="coresnap-symbols.") as directory:
            work = _Work(self, project, Path(directory), time.monotonic() + seconds)
            applied = work.run(build_ids)
        if applied.is_all:
            self._finish(project, build_ids, now)
            self.settled.pop(project.id, None)
        return applied

    def _due(self, project: Project, now: int) -> frozenset[str]:
        table = SYMBOLS_TO_APPLY.c
        mine = table.project == project.id
        with self.store.state.read() as connection:
            latest = connection.execute(
                sqlalchemy.select(sqlalchemy.func.max(table.since)).where(mine)
            ).scalar()
            if latest is None or now - latest < _QUIET:
                return frozenset()
            return being_applied(connection, project)

    def _finish(self, project: Project, build_ids: Collection[str], now: int) -> None:
        table = SYMBOLS_TO_APPLY.c
        with self.store.state.write() as connection:
            connection.execute(
                sqlalchemy.delete(SYMBOLS_TO_APPLY).where(
                    table.project == project.id,
                    table.build_id.in_(list(build_ids)),
                    # Sent once more meanwhile: not all were read with these.
                    table.since <= now,
                )
            )


@attrs.define
class _Work:
    """One run over a project's faults."""

    applier: SymbolApplier
    project: Project
    directory: Path
    deadline: float
    _fetched: set[str] = attrs.field(factory=set)
    _failed: list[str] = attrs.field(factory=list)

    def run(self, build_ids: Collection[str]) -> Applied:
        store = self.applier.store
        with store.state.read() as connection:
            attributes = known(connection, self.project)
        settled = self.applier.settled.setdefault(self.project.id, set())
        counts, is_all = {True: 0, False: 0}, True
        for object_id, missing in faults_waiting(
            store, self.project, build_ids, attributes
        ):
            if object_id in settled:
                continue
            if time.monotonic() > self.deadline:
                is_all = False
                break
            settled.add(object_id)
            try:
                counts[self._read_again(object_id, missing)] += 1
            except MissingError:
                counts[False] += 1  # its body is gone: the fault stays as it is
            except CoresnapError as error:
                self._failed.append(f"{object_id}: {error}")
        failed = tuple(self._failed[:100])
        return Applied(counts[True], counts[False], failed, is_all)

    def _read_again(self, object_id: str, missing: Iterable[str]) -> bool:
        self._fetch(missing)
        before, after = self.directory / "before.csnap", self.directory / "after.csnap"
        after.unlink(missing_ok=True)
        self._fetch_body(object_id, before)
        if not self.applier.reader.read(before, self.directory / "symbols", after):
            return False
        self.applier.replace(self.project, object_id, after)
        return True

    def _fetch_body(self, object_id: str, path: Path) -> None:
        store = self.applier.store
        with store.state.read() as connection:
            row = find_fault(connection, self.project, object_id)
        if row is None or not row.has_body:
            raise MissingError(f"fault {object_id} has no snapshot any more")
        with store.objects.open(row.key) as body:
            _copy(body, path)

    def _fetch(self, build_ids: Iterable[str]) -> None:
        """Lay the symbol files that are there where the program finds them."""
        wanted = set(build_ids) - self._fetched
        if not wanted:
            return
        self._fetched |= wanted
        with self.applier.store.state.read() as connection:
            found = kept_symbols(connection, self.project, wanted)
        for kept in found:
            place = self.directory / "symbols" / _place(kept)
            place.parent.mkdir(parents=True, exist_ok=True)
            with self.applier.store.objects.open(kept.key(self.project)) as body:
                _copy(body, place)


def _place(kept: KeptSymbols) -> Path:
    suffix = ".debug" if kept.kind == "debuginfo" else ""
    return Path(".build-id", kept.build_id[:2], kept.build_id[2:] + suffix)


def _copy(body: BinaryIO, path: Path) -> None:
    with path.open("wb") as target:
        while chunk := body.read(_CHUNK):
            target.write(chunk)
