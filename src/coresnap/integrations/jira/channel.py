"""Jira as a channel: one project of one Jira, to which groups are told as tickets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import httpx2

from coresnap.errors import DeliveryError
from coresnap.integrations.jira.checking import check
from coresnap.integrations.jira.listening import Listening
from coresnap.integrations.jira.memory import read_memory
from coresnap.integrations.jira.preview import previewed
from coresnap.integrations.jira.service import Service
from coresnap.integrations.jira.settings import JiraSettings
from coresnap.integrations.jira.telling import Telling
from coresnap.model.notice import Change, Delivered, Event, Notice, Ticket

__all__ = ["JiraChannel"]


class JiraChannel:
    """``coresnap.model.notice.Channel`` for Jira Cloud and Jira Data Center."""

    kind = "jira"
    pace = 1.0

    def __init__(
        self,
        settings: JiraSettings,
        http: httpx2.Client,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``http`` decides which addresses may be called, and is closed with this."""
        self._settings = settings
        self._service = Service(settings, http)
        self._telling = Telling(settings, self._service)
        self._listening = Listening(settings, self._service, now)

    def deliver(self, notice: Notice, memory: Mapping[str, str]) -> Delivered:
        """Make, comment, move or reopen the group's ticket. Raises DeliveryError."""
        if notice.event is Event.TEST:
            return Delivered(memory, check(self._settings, self._service))
        if notice.event is Event.DIGEST:
            raise DeliveryError(
                "a digest is not about one group, so it has no ticket",
                remedy="Send digests by mail, or to Slack.",
                is_final=True,
            )
        before = read_memory(memory)
        was = self._telling.tell(notice, before)
        after = self._telling.remember(was, notice, before)
        key = after.key
        ticket = Ticket(key, f"{self._settings.site}/browse/{key}") if key else None
        return Delivered(after.as_memory(), was.line, ticket)

    def preview(self, notice: Notice, memory: Mapping[str, str]) -> str:
        """Return what would be made or said; nothing is asked of Jira for it."""
        return previewed(self._settings, notice, read_memory(memory))

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterable[Change]:
        """Yield what people did to the groups' tickets. Raises DeliveryError."""
        if not self._settings.asks_jira:
            return ()
        return self._listening.changes(remembered, since)

    def close(self) -> None:
        """Let go of connections."""
        self._service.close()
