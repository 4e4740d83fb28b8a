"""Who is at a channel: one server at a time, so that nothing is told twice.

A server that dies lets go when its lease ends; one that lives renews it.
"""

from __future__ import annotations

import secrets
import threading

import attrs
from sqlalchemy import ColumnElement, Connection, exists, or_, select, update

from coresnap.store.state.state import State
from coresnap.store.state.tables.telling import CHANNELS, DELIVERIES

__all__ = ["LEASE", "Held", "Leases"]

LEASE = 60_000
"""Milliseconds."""
_COLUMNS = CHANNELS.c


@attrs.frozen
class Held:
    """A channel of a project."""

    project: int
    name: str


@attrs.define
class Leases:
    """The channels that this process is at."""

    state: State
    holder: str = attrs.field(factory=lambda: secrets.token_hex(16))
    _held: set[Held] = attrs.field(factory=set)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def waiting(self, now: int) -> list[Held]:
        """Return channels with something to do that nobody is at; now: milliseconds."""
        with self.state.read() as connection:
            rows = connection.execute(
                select(_COLUMNS.project, _COLUMNS.name).where(
                    _COLUMNS.lease <= now, _has_work(now)
                )
            )
            return [Held(project, name) for project, name in rows]

    def begin(self) -> None:
        """Let go of what a process before this one held, where only one can be.

        SQLite's file is one process's alone; elsewhere leases end by themselves.
        """
        if self.state.is_sqlite:
            self.state.transact(
                lambda c: c.execute(
                    update(CHANNELS)
                    .where(_COLUMNS.lease > 0)
                    .values(holder="", lease=0)
                )
            )

    def take(self, channel: Held, now: int) -> bool:
        """Be at a channel, unless somebody is."""

        def work(connection: Connection) -> bool:
            done = connection.execute(
                update(CHANNELS)
                .where(*_is(channel), _COLUMNS.lease <= now)
                .values(holder=self.holder, lease=now + LEASE)
            )
            return done.rowcount == 1

        with self._lock:
            if channel in self._held:
                return False
            self._held.add(channel)
        taken = False
        try:
            taken = self.state.transact(work)
        finally:
            if not taken:
                self._drop(channel)
        return taken

    def renew(self, now: int) -> None:
        """Stay at all of them for another while."""
        with self._lock:
            held = list(self._held)
        for channel in held:
            self.state.transact(
                lambda c, h=channel: c.execute(  # type: ignore[misc]
                    update(CHANNELS)
                    .where(*_is(h), _COLUMNS.holder == self.holder)
                    .values(lease=now + LEASE)
                )
            )

    def give_back(self, channel: Held) -> None:
        """Let others be at it."""
        try:
            self.state.transact(
                lambda c: c.execute(
                    update(CHANNELS)
                    .where(*_is(channel), _COLUMNS.holder == self.holder)
                    .values(holder="", lease=0)
                )
            )
        finally:
            self._drop(channel)

    def _drop(self, channel: Held) -> None:
        with self._lock:
            self._held.discard(channel)


def _is(channel: Held) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _COLUMNS.project == channel.project, _COLUMNS.name == channel.name


def _has_work(now: int) -> ColumnElement[bool]:
    waiting = DELIVERIES.c
    has_delivery = exists().where(
        waiting.project == _COLUMNS.project,
        waiting.channel == _COLUMNS.name,
        waiting.state == "waiting",
        waiting.due <= now,
    )
    return or_((_COLUMNS.paused <= now) & has_delivery, _COLUMNS.asking <= now)
