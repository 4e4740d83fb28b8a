"""A webhook as a channel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import httpx2
import msgspec

from coresnap.errors import DeliveryError
from coresnap.integrations.address import origin, read_address
from coresnap.integrations.answer import Answer, post
from coresnap.integrations.reach import Reach
from coresnap.integrations.webhook.payload import payload_of
from coresnap.integrations.webhook.signing import read_secret, signed
from coresnap.model.notice import Change, Delivered, Notice
from coresnap.snapshot.escape import printable

__all__ = ["WebhookChannel", "open_webhook"]


class WebhookChannel:
    """A ``coresnap.model.notice.Channel``: every notice is posted."""

    kind = "webhook"
    pace = 0.1

    def __init__(
        self,
        url: str,
        key: bytes,
        http: httpx2.Client,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``http`` decides which addresses may be called, and is closed with this."""
        self._url = url
        self._key = key
        self._http = http
        self._now = now

    def deliver(self, notice: Notice, memory: Mapping[str, str]) -> Delivered:
        """Post it. Raises DeliveryError."""
        body = payload_of(notice)
        headers = {"content-type": "application/json"}
        headers |= signed(self._key, notice.id, int(self._now()), body)
        answer = post(self._http, self._url, body, headers, origin(self._url))
        if not answer.is_success:
            raise self._failure(answer)
        return Delivered(memory, f"posted to {origin(self._url)}: {answer.status}")

    def preview(self, notice: Notice, memory: Mapping[str, str]) -> str:
        """Return the request without its signature."""
        body = msgspec.json.format(payload_of(notice), indent=2).decode()
        # JSON leaves a few characters as they are that a terminal would obey.
        text = "\n".join(map(printable, body.split("\n")))
        return f"POST {origin(self._url)}/…\nwebhook-id: {notice.id}\n\n{text}"

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterable[Change]:
        """Nothing comes back."""
        return ()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _failure(self, answer: Answer) -> DeliveryError:
        # The body is not shown: whoever sets an address could otherwise read what is
        # served there to the server alone.
        is_moved = 300 <= answer.status < 400
        is_gone = answer.status == 410
        remedy = "Look into the receiver's log."
        if is_moved:
            remedy = "Redirections are not followed: set url= to where it leads."
        elif is_gone:
            remedy = "The receiver wants nothing more: remove the integration."
        return DeliveryError(
            f"{origin(self._url)} answered {answer.status}",
            remedy=remedy,
            retry_after=answer.retry_after,
            is_final=is_moved or is_gone,
        )


def open_webhook(settings: Mapping[str, str], reach: Reach) -> WebhookChannel:
    """Return a channel of complete settings. Raises ConfigError."""
    url = read_address("url", settings["url"])
    return WebhookChannel(url, read_secret(settings["secret"]), reach.client())
