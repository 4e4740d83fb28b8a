"""What a notice would do in Jira, as text: a dry run asks nobody."""

from __future__ import annotations

import msgspec

from coresnap.integrations.jira.memory import Remembered
from coresnap.integrations.jira.plain import to_text
from coresnap.integrations.jira.settings import JiraSettings
from coresnap.integrations.jira.tickets import new_fields
from coresnap.integrations.jira.wording import comment, description
from coresnap.model.notice import Event, Notice

__all__ = ["previewed"]


def previewed(settings: JiraSettings, notice: Notice, remembered: Remembered) -> str:
    """Return the ticket that would be made, or what would be said in the present."""
    if notice.event is Event.TEST:
        return (
            f"Asks {settings.site} for the project {settings.project}; makes nothing."
        )
    if notice.event is Event.DIGEST:
        return "Nothing: a digest is not about one group, so it has no ticket."
    if remembered.key and notice.event is Event.UPDATE:
        return f"The counts in the link of {remembered.key} are changed."
    if remembered.key:
        return _comment(settings, notice, remembered)
    if notice.event in (Event.STATE, Event.MERGE, Event.UPDATE):
        return "Nothing, unless Jira has a ticket with the group's label."
    return _ticket(settings, notice)


def _comment(settings: JiraSettings, notice: Notice, remembered: Remembered) -> str:
    lines = [f"A comment in {remembered.key}:", "", to_text(comment(notice))]
    if notice.event is Event.REGRESSION:
        lines.append(f"\nIf it is closed: regression={settings.regression}.")
    if notice.event is Event.STATE and settings.tells_jira:
        lines.append(f"\nIt is moved to a status that means {notice.state}.")
    return "\n".join(lines)


def _ticket(settings: JiraSettings, notice: Notice) -> str:
    fields = new_fields(settings, notice, 1)
    lines = [f"A ticket in {settings.project}, unless one has the group's label:", ""]
    for name, value in fields.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        lines.append(f"{name}: {text}")
    return "\n".join([*lines, "", to_text(description(notice, settings.description))])
