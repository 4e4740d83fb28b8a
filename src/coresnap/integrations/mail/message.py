"""A notice as a mail: text and HTML, in one thread per group."""

from __future__ import annotations

import email.policy
import email.utils
import hashlib
from email.message import EmailMessage

from coresnap.integrations.mail.page import html_of
from coresnap.integrations.mail.settings import MailSettings
from coresnap.integrations.wording import worded
from coresnap.model.notice import Notice

__all__ = ["mail_of"]

_LATEST = 253_402_300_799
"""The last second of the year 9999."""


def mail_of(notice: Notice, settings: MailSettings) -> EmailMessage:
    """Return the message. What is in headers has no line breaks: ``worded`` shows
    them, and the library refuses any that would be left."""
    wording = worded(notice)
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = f"Coresnap <{settings.sender}>"
    mail["To"] = ", ".join(settings.people)
    mail["Subject"] = wording.subject
    moment = min(max(notice.time, 0), _LATEST)
    mail["Date"] = email.utils.formatdate(moment)
    # The same for each try, so that servers and readers know it for the same.
    mail["Message-ID"] = f"<notice.{_name(notice.id)}@{settings.domain}>"
    if notice.group:
        # A message that is never sent: what refers to it is one thread.
        place = f"{notice.universe}/{notice.project}/{notice.group}"
        mail["References"] = f"<group.{_name(place)}@{settings.domain}>"
    # RFC 3834: no vacation notice answers it.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Coresnap-Event"] = notice.event.value
    # Lines of any length and all characters: base64 where one of them needs it.
    mail.set_content(wording.text() + "\n")
    mail.add_alternative(html_of(notice, wording), subtype="html")
    return mail


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
