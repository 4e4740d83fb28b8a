"""What the server does by itself so that people are told."""

from __future__ import annotations

import time

import attrs

from coresnap.model.message_id import MessageId
from coresnap.store.access.projects import all_projects
from coresnap.store.project import Project
from coresnap.store.server.server import Server
from coresnap.store.telling.deliveries import remove_old
from coresnap.store.telling.delivering import Delivering
from coresnap.store.telling.detecting import detect_all
from coresnap.store.telling.following import queue_digests, queue_updates
from coresnap.store.telling.leasing import Held, Leases

__all__ = ["Telling"]

_BUDGET = 2.0
"""Seconds for one project before others have their turn."""
_REST = 30
"""Times as long as a look took is the rest after it: puts need the processor."""
_LONGEST_REST = 15.0
_LOG_AGE = 30 * 24 * 60 * 60


@attrs.define
class Telling:
    """The work of three loops; channels are told in the server's threads."""

    server: Server
    _leases: Leases = attrs.field(init=False)
    _next_look: float = attrs.field(init=False, default=0.0)
    _is_begun: bool = attrs.field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._leases = Leases(self.server.store.state)

    def look(self) -> None:
        """Queue what is to be told of what changed since the last look."""
        begun, now = time.monotonic(), int(time.time())
        if begun < self._next_look:
            return
        for project in self._projects():
            detect_all(self.server.store, project, _BUDGET)
            queue_updates(self.server.store, project, now)
            queue_digests(self.server.store, project, now)
        end = time.monotonic()
        self._next_look = end + min(_LONGEST_REST, _REST * (end - begun))

    def deliver(self) -> None:
        """Let threads take the channels that have something to do."""
        if not self.server.ways.kinds:
            return
        if not self._is_begun:
            self._leases.begin()
            self._is_begun = True
        now = int(time.time() * 1000)
        projects = {project.id: project for project in self._projects()}
        for channel in self._leases.waiting(now):
            project = projects.get(channel.project)
            if project is not None and self._leases.take(channel, now):
                self.server.telling.submit(self._deliver_to, project, channel)

    def keep(self) -> None:
        """Stay at the channels that are being told, and forget old deliveries."""
        now = time.time()
        self._leases.renew(int(now * 1000))
        self.server.store.state.transact(lambda c: remove_old(c, int(now) - _LOG_AGE))

    def _deliver_to(self, project: Project, channel: Held) -> None:
        server = self.server
        try:
            Delivering(server.store, project, channel.name, server.ways).run()
        except Exception as error:
            server.log.error(
                f"telling failed: {type(error).__name__}: {error}",
                message_id=MessageId.WORK_FAILED,
                work="telling",
                project=str(project),
                channel=channel.name,
            )
        finally:
            self._leases.give_back(channel)

    def _projects(self) -> tuple[Project, ...]:
        with self.server.store.state.read() as connection:
            return tuple(all_projects(connection))
