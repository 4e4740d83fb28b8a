"""Mail as a channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from coresnap.integrations.mail.message import mail_of
from coresnap.integrations.mail.sending import send
from coresnap.integrations.mail.settings import MailSettings, read_settings
from coresnap.integrations.reach import Reach
from coresnap.integrations.wording import worded
from coresnap.model.notice import Change, Delivered, Event, Notice

__all__ = ["MailChannel", "open_mail"]

_SILENT = "not sent: a mail cannot be changed, the next step of the count is told"


class MailChannel:
    """``coresnap.model.notice.Channel`` that sends a mail per notice, a thread per
    group."""

    kind = "mail"
    pace = 1.0

    def __init__(self, settings: MailSettings, reach: Reach) -> None:
        self._settings = settings
        self._reach = reach

    def deliver(self, notice: Notice, memory: Mapping[str, str]) -> Delivered:
        """Send it, but nothing for counts that grew. Raises DeliveryError."""
        if notice.event is Event.UPDATE:
            return Delivered(memory, _SILENT)
        refused = send(mail_of(notice, self._settings), self._settings, self._reach)
        told = [p for p in self._settings.people if p not in refused]
        line = f"sent to {_listed(told)}"
        if refused:
            line += f"; the server refused {_listed(refused)}"
        return Delivered(memory, line)

    def preview(self, notice: Notice, memory: Mapping[str, str]) -> str:
        """Return the mail's text part with its visible headers."""
        if notice.event is Event.UPDATE:
            return _SILENT
        wording = worded(notice)
        return (
            f"From: {self._settings.sender}\nTo: {', '.join(self._settings.people)}\n"
            f"Subject: {wording.subject}\n\n{wording.text()}"
        )

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterable[Change]:
        """Nothing comes back."""
        return ()

    def close(self) -> None:
        """Nothing is kept open."""


def _listed(people: Iterable[str]) -> str:
    names = list(people)
    left = len(names) - 3
    return ", ".join(names[:3]) + (f" and {left} more" if left > 0 else "")


def open_mail(settings: Mapping[str, str], reach: Reach) -> MailChannel:
    """Return a channel of complete settings. Raises ConfigError."""
    return MailChannel(read_settings(settings), reach)
