"""Whether an integration would work, asked before it has to."""

from __future__ import annotations

from coresnap.errors import DeliveryError
from coresnap.integrations.jira.answers import IssueType, Status
from coresnap.integrations.jira.service import Service
from coresnap.integrations.jira.settings import JiraSettings
from coresnap.integrations.wording import shown

__all__ = ["check"]


def check(settings: JiraSettings, service: Service) -> str:
    """Return who we are there, and what each status means, with its id.

    Raises DeliveryError for a project, type or id that the settings name and Jira does
    not have.
    """
    user = service.myself()
    project = service.project(settings.project)
    types = service.issue_types(settings.project)
    kind = _issue_type(settings, types)
    statuses = {status.id: status for one in types for status in one.statuses}
    unknown = sorted(settings.states.statuses.keys() - statuses.keys())
    if unknown:
        raise DeliveryError(
            f"{project.key} has no status {', '.join(unknown)}; it has "
            + _listed(settings, tuple(statuses.values())),
            remedy="Name statuses by the ids that it has.",
            is_final=True,
        )
    name = user.display_name or service.dialect.account_of(user)
    return shown(
        f"{name} can see {project.key} ({project.name}); a {kind.name} is "
        + _listed(settings, kind.statuses),
        1_000,
    )


def _issue_type(settings: JiraSettings, types: tuple[IssueType, ...]) -> IssueType:
    for one in types:
        if settings.issue_type in (one.id, one.name):
            return one
    names = ", ".join(f"{one.name} ({one.id})" for one in types)
    raise DeliveryError(
        f"{settings.project} has no type {settings.issue_type}",
        remedy=f"Set issue_type= to one of {shown(names, 500)}.",
        is_final=True,
    )


def _listed(settings: JiraSettings, statuses: tuple[Status, ...]) -> str:
    return ", ".join(
        f"{status.name} ({status.id}: {settings.states.state_of(status, None)})"
        for status in statuses
    )
