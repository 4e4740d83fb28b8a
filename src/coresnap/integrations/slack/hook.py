"""An incoming webhook of Slack: messages are added, none is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import httpx2
import msgspec

from coresnap.integrations.answer import post
from coresnap.integrations.slack.blocks import message_of
from coresnap.integrations.slack.failures import hook_failure
from coresnap.integrations.wording import worded
from coresnap.model.notice import Change, Delivered, Event, Notice

__all__ = ["SlackHook"]

_SILENT = "not posted: an incoming webhook cannot change the message"


class SlackHook:
    """``coresnap.model.notice.Channel`` with an incoming webhook."""

    kind = "slack"
    pace = 1.2

    def __init__(self, url: str, http: httpx2.Client) -> None:
        """``http`` decides which addresses may be called, and is closed with this."""
        self._url = url
        self._http = http

    def deliver(self, notice: Notice, memory: Mapping[str, str]) -> Delivered:
        """Post a message, but none for counts that grew. Raises DeliveryError."""
        if notice.event is Event.UPDATE:
            return Delivered(memory, _SILENT)
        body = msgspec.json.encode(message_of(worded(notice)))
        headers = {"content-type": "application/json"}
        answer = post(self._http, self._url, body, headers, "Slack")
        if not answer.is_success:
            raise hook_failure(answer)
        return Delivered(memory, "posted to the webhook's channel")

    def preview(self, notice: Notice, memory: Mapping[str, str]) -> str:
        """Return what would be said."""
        if notice.event is Event.UPDATE:
            return _SILENT
        wording = worded(notice)
        return f"New message:\n\n{wording.subject}\n\n{wording.text()}"

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterable[Change]:
        """Nothing comes back."""
        return ()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()
