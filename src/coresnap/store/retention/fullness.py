"""Whether a project, and the disk, have room for another body or attachment.

What these take is measured once a minute and counted on from there, because summing
them for each snapshot would cost more than accepting it. Of several servers each sees
what the others took as late as that: a quota is exceeded by a minute of theirs at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import attrs
from sqlalchemy import Connection

from coresnap.errors import NoSpaceError, QuotaError
from coresnap.store.api.retention import RetentionPolicy
from coresnap.store.attachments.keeping import bytes_of
from coresnap.store.project import Project
from coresnap.store.retention.bodies import size_of
from coresnap.store.retention.policies import find_policy
from coresnap.store.state.state import State

__all__ = ["Fullness", "kept_size", "notice_of"]

_MEASURED = 60.0
_NOTICE = 0.75
_ENOUGH = 0.2
"""Seconds that a disk with room is not asked again: what comes meanwhile is a small
part of what is kept free."""


def kept_size(connection: Connection, project: Project) -> int:
    """Return the bytes that count for the quota: of bodies and of attachments."""
    return size_of(connection, project).size + bytes_of(connection, project)


def notice_of(size: int, quota: int | None) -> str:
    """Return what to tell an operator; empty below three quarters of the quota."""
    if quota is None or size < quota * _NOTICE:
        return ""
    if size >= quota:
        return f"the quota of {quota} bytes is used up: nothing more is taken"
    return f"{100 * size // quota} % of the quota of {quota} bytes are used"


@attrs.define
class _Measure:
    at: float
    """Monotonic seconds."""
    size: int
    """With what came since."""
    quota: int | None


@attrs.define
class Fullness:
    """May be used from several threads."""

    state: State
    instance: Callable[[], RetentionPolicy | None] = lambda: None
    """The policy for projects without one."""
    shortage: Callable[[], int] = lambda: 0
    """Bytes that are missing on the disk before nothing more is taken."""
    clock: Callable[[], float] = time.monotonic
    _measures: dict[int, _Measure] = attrs.field(factory=dict)
    _enough_until: float = 0.0
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def check(self, project: Project, size: int) -> None:
        """Raise QuotaError if the project's quota has no room for ``size`` bytes,
        NoSpaceError if the disk has none."""
        if self._is_short():
            raise NoSpaceError(
                "the store's disk is nearly full, and takes nothing more",
                remedy="Free space on it, or let retention remove more: "
                "`coroner retention set`.",
            )
        measure = self._measure(project)
        if measure.quota is not None and measure.size + size > measure.quota:
            raise QuotaError(
                f"snapshots and attachments of {project} take {measure.size} bytes, "
                f"and may take {measure.quota}",
                remedy="Remove some: `coroner retention run`, `coroner attachment "
                "--delete`, or `coroner retention set` with other rules or another "
                "quota.",
            )

    def _is_short(self) -> bool:
        now = self.clock()
        if now < self._enough_until:
            return False
        if self.shortage() > 0:
            return True
        self._enough_until = now + _ENOUGH
        return False

    def add(self, project: Project, size: int) -> None:
        """Count what was stored."""
        with self._lock:
            if (measure := self._measures.get(project.id)) is not None:
                measure.size += size

    def forget(self, project: Project | None = None) -> None:
        """Measure again before it is used again: one project, or all."""
        with self._lock:
            if project is None:
                self._measures.clear()
            else:
                self._measures.pop(project.id, None)

    def _measure(self, project: Project) -> _Measure:
        now = self.clock()
        with self._lock:
            found = self._measures.get(project.id)
        if found is not None and now - found.at < _MEASURED:
            return found
        with self.state.read() as connection:
            _, policy = find_policy(connection, project, self.instance())
            # Without a quota nobody asks for the sum.
            size = 0 if policy.quota is None else kept_size(connection, project)
        measured = _Measure(now, size, policy.quota)
        with self._lock:
            self._measures[project.id] = measured
        return measured
