"""Assignees of groups, and accounts of Jira."""

from __future__ import annotations

from coresnap.integrations.jira.answers import User
from coresnap.integrations.jira.service import Service
from coresnap.integrations.jira.settings import Edition, JiraSettings
from coresnap.integrations.wording import shown

__all__ = ["account_for", "assignee_of"]


def account_for(name: str, settings: JiraSettings, service: Service) -> str | None:
    """Return the account of an assignee; None if it is not known which.

    What the settings say; else in Data Center the same name, in Cloud the one account
    of that e-mail address or full name. Raises DeliveryError.
    """
    if name in settings.people:
        return settings.people[name]
    if settings.edition is Edition.DATA_CENTER:
        return name
    wanted = name.casefold()
    found = [
        user.account_id
        for user in service.assignable(settings.project, name)
        if wanted in map(str.casefold, (user.email_address or "", user.display_name))
    ]
    return found[0] if len(found) == 1 else None


def assignee_of(user: User | None, settings: JiraSettings, service: Service) -> str:
    """Return what groups call the holder of an account; nobody is empty."""
    if user is None:
        return ""
    account = service.dialect.account_of(user)
    for name, known in settings.people.items():
        if known == account:
            return name
    if settings.edition is Edition.DATA_CENTER:
        return shown(account, 200)
    return shown(user.email_address or user.display_name or account, 200)
