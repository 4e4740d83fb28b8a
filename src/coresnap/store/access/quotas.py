"""What projects take in a day, and whether they may take more.

Counted in memory and written every second or so, because a commit for each snapshot
would cost as much as accepting it. Of several servers each sees what the others took as
late as that; one that is killed forgets the last second. A limit is held so closely,
and no closer.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict

import attrs
from sqlalchemy import Connection, delete, insert, select, update

from coresnap.errors import QuotaError
from coresnap.store.api.projects import Limits, Usage
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.state.tables.usage import LIMITS, USAGE

__all__ = ["DAY", "Quotas", "set_limits"]

DAY = 24 * 60 * 60
_REMEMBERED_DAYS = 400


@attrs.define
class _Today:
    day: int
    limits: Limits
    faults: int
    """With those that are not written yet; so ``size``."""
    size: int


@attrs.define
class Quotas:
    """The projects' usage of today. May be used from several threads."""

    state: State
    _today: dict[int, _Today] = attrs.field(factory=dict)
    _unwritten: defaultdict[tuple[int, int], list[int]] = attrs.field(
        factory=lambda: defaultdict(lambda: [0, 0])
    )
    """(project, day) to faults and bytes."""
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def check(self, project: Project, size: int, faults: int = 1) -> None:
        """Raise QuotaError if ``project`` may not take one more fault of ``size``.

        ``faults`` is 0 for bytes that are added to a fault.
        """
        today = self._of(project)
        limits = today.limits
        full = limits.faults is not None and today.faults + faults > limits.faults
        if full or (limits.size is not None and today.size + size > limits.size):
            what = f"{limits.faults} faults" if full else f"{limits.size} bytes"
            raise QuotaError(
                f"project {project} has taken its {what} of today",
                remedy="It takes more after midnight UTC, or with other limits: "
                "`coroner project limits`.",
            )

    def add(self, project: Project, size: int, faults: int = 1) -> None:
        """Count one fault of ``size`` bytes; or with 0 bytes that are added to one."""
        today = self._of(project)
        with self._lock:
            today.faults += faults
            today.size += size
            unwritten = self._unwritten[project.id, today.day]
            unwritten[0] += faults
            unwritten[1] += size

    def usage(self, project: Project) -> Usage:
        """Return what ``project`` took today, and may take."""
        today = self._of(project)
        return Usage(today.faults, today.size, today.limits)

    def forget(self, project: Project) -> None:
        """Read usage and limits again before they are used again."""
        with self._lock:
            self._today.pop(project.id, None)

    def write(self) -> None:
        """Write what was counted, and take over what others counted."""
        with self._lock:
            unwritten = {key: tuple(value) for key, value in self._unwritten.items()}
            self._unwritten.clear()
        try:
            if unwritten:
                with self.state.write() as connection:
                    for (project, day), (faults, size) in sorted(unwritten.items()):
                        _increase(connection, project, day, faults, size)
        except BaseException:
            self._put_back(unwritten)
            raise
        with self._lock:
            self._today.clear()

    def _put_back(self, unwritten: dict[tuple[int, int], tuple[int, ...]]) -> None:
        with self._lock:
            for key, (faults, size) in unwritten.items():
                self._unwritten[key][0] += faults
                self._unwritten[key][1] += size

    def _of(self, project: Project) -> _Today:
        day = int(time.time()) // DAY
        with self._lock:
            found = self._today.get(project.id)
        if found is None or found.day != day:
            found = self._read(project, day)
        return found

    def _read(self, project: Project, day: int) -> _Today:
        with self.state.read() as connection:
            limits = connection.execute(
                select(LIMITS).where(LIMITS.c.project == project.id)
            ).one_or_none()
            taken = connection.execute(
                select(USAGE).where(USAGE.c.project == project.id, USAGE.c.day == day)
            ).one_or_none()
        with self._lock:
            faults, size = self._unwritten.get((project.id, day), (0, 0))
            found = _Today(
                day,
                Limits(limits.faults, limits.size) if limits else Limits(),
                faults + (taken.faults if taken else 0),
                size + (taken.size if taken else 0),
            )
            self._today[project.id] = found
        return found


def _increase(
    connection: Connection, project: int, day: int, faults: int, size: int
) -> None:
    change = update(USAGE).where(USAGE.c.project == project, USAGE.c.day == day)
    done = connection.execute(
        change.values(faults=USAGE.c.faults + faults, size=USAGE.c.size + size)
    )
    if done.rowcount == 0:
        # Another server may come between: then this transaction is done again.
        row = insert(USAGE).values(project=project, day=day, faults=faults, size=size)
        connection.execute(row)
        old = day - _REMEMBERED_DAYS
        connection.execute(
            delete(USAGE).where(USAGE.c.project == project, USAGE.c.day < old)
        )


def set_limits(connection: Connection, project: Project, limits: Limits) -> None:
    """Let these limits hold for ``project`` from now on."""
    connection.execute(delete(LIMITS).where(LIMITS.c.project == project.id))
    row = insert(LIMITS).values(
        project=project.id, faults=limits.faults, size=limits.size
    )
    connection.execute(row)
