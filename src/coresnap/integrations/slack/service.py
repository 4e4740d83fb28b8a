"""The calls of Slack's Web API that are made (https://docs.slack.dev/reference/methods).

slack_sdk is not used for them: it opens its own connections, through proxies of the
environment, to any address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec

from coresnap.errors import DeliveryError
from coresnap.integrations.answer import post
from coresnap.integrations.slack.failures import api_failure, status_failure

__all__ = ["Posted", "RefusedError", "WebApi"]


class Posted(msgspec.Struct, frozen=True):
    """An answer of the API."""

    ok: bool
    error: str = ""
    channel: str = ""
    """Id of the channel, whatever it was called by."""
    ts: str = ""
    """Id of the message in it."""
    user: str = ""
    team: str = ""


class RefusedError(DeliveryError):
    """``"ok": false``, and why."""

    reason = ""

    @classmethod
    def of(cls, error: DeliveryError, reason: str) -> RefusedError:
        """Return an error as one with a reason."""
        refused = cls(
            str(error),
            remedy=error.remedy,
            retry_after=error.retry_after,
            is_final=error.is_final,
        )
        refused.reason = reason
        return refused


class WebApi:
    """A workspace, as a bot sees it. Every method raises DeliveryError."""

    def __init__(self, api: str, token: str, http: httpx2.Client) -> None:
        """``http`` decides which addresses may be called, and is closed with this."""
        self._api = api
        self._http = http
        self._headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json; charset=utf-8",
        }

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def who(self) -> Posted:
        """Return the bot's name and workspace."""
        return self._call("auth.test", {}, "the token")

    def send(self, message: Mapping[str, Any]) -> Posted:
        """Post a message, or a reply."""
        return self._call("chat.postMessage", message, "a message")

    def change(self, message: Mapping[str, Any]) -> Posted:
        """Replace a message that the bot posted. Raises RefusedError."""
        return self._call("chat.update", message, "the change of a message")

    def _call(self, method: str, body: Mapping[str, Any], doing: str) -> Posted:
        url = f"{self._api}/{method}"
        answer = post(
            self._http, url, msgspec.json.encode(body), self._headers, "Slack"
        )
        if not answer.is_success:
            raise status_failure(answer)
        try:
            posted = msgspec.json.decode(answer.body, type=Posted)
        except msgspec.DecodeError as error:
            raise DeliveryError(
                f"the answer to {doing} is not Slack's",
                remedy="Check api=: a proxy or a login page may have answered.",
            ) from error
        if not posted.ok:
            failure = api_failure(posted.error, doing, answer.retry_after)
            raise RefusedError.of(failure, posted.error)
        return posted
