"""Bodies that nothing refers to, and faults whose body is not there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice

import attrs
from sqlalchemy import select

from coresnap.store.accepting.rows import find_faults
from coresnap.store.access.projects import all_projects
from coresnap.store.objects.contract import Stored
from coresnap.store.objects.keys import bodies_prefix, body_parts
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import FAULTS, Body
from coresnap.store.store import Store

__all__ = ["PARTS", "Sweeper", "Swept", "sweep"]

PARTS = 256
_AGE = 3600
"""Seconds since a body was written. Accepting takes half of that at most: what nothing
refers to then nothing ever will, for no other upload has its key."""
_BATCH = 500


@attrs.frozen
class Swept:
    """What one part of a project's bodies had."""

    removed: int
    """Bodies that nothing referred to: of puts that were killed or refused."""
    missing: tuple[str, ...]
    """Keys of bodies that should be there and are not. They are told and not changed:
    a disk may not be mounted."""


class Sweeper:
    """Sweeps all projects, part by part, again and again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Project, int]] = []

    def run_once(self) -> Swept:
        """Sweep the next part; nothing if there are no projects."""
        if not self._waiting:
            with self._store.state.read() as connection:
                projects = all_projects(connection)
            self._waiting = [(p, part) for part in range(PARTS) for p in projects]
        if not self._waiting:
            return Swept(0, ())
        return sweep(self._store, *self._waiting.pop())


def sweep(store: Store, project: Project, part: int, now: float | None = None) -> Swept:
    """Look at the bodies of those objects whose id begins with byte ``part``.

    The ``PARTS`` parts are all of a project's, and each is a bounded work.
    """
    now = time.time() if now is None else now
    before = now - _AGE
    prefix = f"{bodies_prefix(project.id)}{part:02x}/"
    present: set[str] = set()
    removed = 0
    for bodies in _batches(store.objects.list(prefix)):
        present.update(body.key for body in bodies)
        for key in _unreferenced(store, project, bodies, before):
            store.objects.remove(key)
            removed += 1
    return Swept(removed, tuple(_missing(store, project, part, present, before)))


def _unreferenced(
    store: Store, project: Project, bodies: list[Stored], before: float
) -> list[str]:
    old = [body.key for body in bodies if body.modified < before]
    with store.state.read() as connection:
        objects = [body_parts(key)[0] for key in old]
        rows = find_faults(connection, project, objects)
    referred = {row.key for row in rows if row.has_body}
    return [key for key in old if key not in referred]


def _missing(
    store: Store, project: Project, part: int, present: set[str], before: float
) -> Iterator[str]:
    after = f"{part:02x}" + 30 * "0"
    while objects := _next_objects(store, project, part, after):
        with store.state.read() as connection:
            rows = find_faults(connection, project, objects)
        for row in rows:
            # What came or went since the listing is no loss.
            if row.has_body and row.received < before and row.key not in present:
                yield row.key
        after = objects[-1]
        if len(objects) < _BATCH:
            return


def _next_objects(store: Store, project: Project, part: int, after: str) -> list[str]:
    column = FAULTS.c.object
    query = (
        select(column)
        .where(
            FAULTS.c.project == project.id,
            column > after,
            column <= f"{part:02x}" + 30 * "f",
            FAULTS.c.body.in_((Body.KEPT, Body.COMPRESSED)),
        )
        .order_by(column)
        .limit(_BATCH)
    )
    with store.state.read() as connection:
        return list(connection.execute(query).scalars())


def _batches(bodies: Iterable[Stored]) -> Iterator[list[Stored]]:
    bodies = iter(bodies)
    while some := list(islice(bodies, _BATCH)):
        yield some
