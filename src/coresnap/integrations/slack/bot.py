"""A channel of Slack that a bot keeps: one message per group, and its thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from coresnap.integrations.slack.blocks import message_of, reply_of
from coresnap.integrations.slack.service import Posted, RefusedError, WebApi
from coresnap.integrations.wording import shown, worded
from coresnap.model.notice import Change, Delivered, Event, Notice

__all__ = ["SlackBot"]

_ALONE = (Event.DIGEST, Event.TEST)
"""About no group: each is a message of its own."""
_LOUD = (Event.REGRESSION, Event.RATE)
"""What is said in a thread, and in the channel as well."""
_LOST = frozenset(("message_not_found", "cant_update_message", "edit_window_closed"))
"""The group's message is gone, or not ours to change any more: there is a new one."""


class SlackBot:
    """``coresnap.model.notice.Channel`` with a bot's token."""

    kind = "slack"
    pace = 1.2
    """A message a second in a channel is what Slack lets through."""

    def __init__(self, channel: str, api: WebApi) -> None:
        self._channel = channel
        self._api = api

    def deliver(self, notice: Notice, memory: Mapping[str, str]) -> Delivered:
        """Post the group's message, or change it and tell its thread.

        A try whose answer is lost may have posted; the next one posts again. Raises
        DeliveryError.
        """
        if notice.event is Event.TEST:
            bot = self._api.who()
            self._post(notice)
            name = shown(f"{bot.user} of {bot.team}", 100)
            return Delivered(memory, f"posted to {self._channel} as {name}")
        if notice.event in _ALONE:
            self._post(notice)
            return Delivered(memory, f"posted to {self._channel}")
        if not self._is_known(memory):
            return self._begun(notice)
        try:
            self._api.change(message_of(worded(notice)) | _at(memory))
        except RefusedError as error:
            if error.reason not in _LOST:
                raise
            return self._begun(notice)
        if notice.event is Event.UPDATE:
            return Delivered(memory, f"changed the message in {self._channel}")
        self._api.send(self._reply(notice, memory))
        return Delivered(memory, f"told the message's thread in {self._channel}")

    def preview(self, notice: Notice, memory: Mapping[str, str]) -> str:
        """Return what would be said, and where."""
        wording = worded(notice)
        text = f"{wording.subject}\n\n{wording.text()}"
        if notice.event in _ALONE or not self._is_known(memory):
            return f"New message in {self._channel}:\n\n{text}"
        changed = f"The message of the group in {self._channel} becomes:\n\n{text}"
        if notice.event is Event.UPDATE:
            return changed
        where = "its thread and the channel" if notice.event in _LOUD else "its thread"
        return f"{changed}\n\nReply in {where}:\n\n{wording.happened}"

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterable[Change]:
        """Nothing comes back."""
        return ()

    def close(self) -> None:
        """Let go of connections."""
        self._api.close()

    def _is_known(self, memory: Mapping[str, str]) -> bool:
        """Say whether the group has a message where this one posts now."""
        return bool(memory.get("ts")) and memory.get("for") == self._channel

    def _begun(self, notice: Notice) -> Delivered:
        posted = self._post(notice)
        memory = {"for": self._channel, "channel": posted.channel, "ts": posted.ts}
        return Delivered(memory, f"posted to {self._channel}")

    def _post(self, notice: Notice) -> Posted:
        return self._api.send(message_of(worded(notice)) | {"channel": self._channel})

    def _reply(self, notice: Notice, memory: Mapping[str, str]) -> dict[str, Any]:
        return reply_of(worded(notice)) | {
            "channel": memory["channel"],
            "thread_ts": memory["ts"],
            "reply_broadcast": notice.event in _LOUD,
        }


def _at(memory: Mapping[str, str]) -> dict[str, Any]:
    return {"channel": memory["channel"], "ts": memory["ts"]}
