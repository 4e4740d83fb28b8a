"""A ticket of a group, and the labels that it is found by."""

from __future__ import annotations

import hashlib

import attrs

from coresnap.integrations.jira.answers import Issue, IssueLink
from coresnap.integrations.jira.states import StateMap, TicketState
from coresnap.integrations.wording import shown
from coresnap.model.notice import Notice

__all__ = ["OURS", "Ticket", "generation_label", "group_label", "ticket_of"]

OURS = "coresnap"
"""The label of all tickets that belong to groups."""
_DUPLICATE = "duplicate"
_MOST_VERSIONS = 20


def group_label(notice: Notice, group: str) -> str:
    """Return the label of all tickets of a group of the notice's project.

    Two projects may know the same crash; each has tickets of its own.
    """
    place = f"{notice.universe}/{notice.project}".encode()
    return f"{OURS}-{group[:16]}-{hashlib.sha256(place).hexdigest()[:8]}"


def generation_label(label: str, generation: int) -> tuple[str, ...]:
    """Return what a group's second ticket, and each further one, has besides."""
    return (f"{label}-{generation}",) if generation > 1 else ()


@attrs.frozen
class Ticket:
    """An issue as the settings understand it."""

    issue: Issue
    state: TicketState
    generation: int
    """Which ticket of the group it is, from 1."""

    @property
    def key(self) -> str:
        """As people say it."""
        return self.issue.key

    @property
    def number(self) -> int:
        """Jira's id; one that was made later has a greater one."""
        return int(self.issue.id)

    @property
    def versions(self) -> tuple[str, ...]:
        """Names of the versions that the repair is in."""
        versions = self.issue.fields.fix_versions[:_MOST_VERSIONS]
        return tuple(shown(v.name, 100) for v in versions if v.name)

    def is_linked_to(self, key: str) -> bool:
        """Say whether there is a link between this ticket and another one."""
        return any(key in _ends(link) for link in self.issue.fields.issuelinks)

    @property
    def original(self) -> str | None:
        """The key of the ticket that this one is a duplicate of."""
        for link in self.issue.fields.issuelinks:
            if link.outward_issue and link.type.name.lower() == _DUPLICATE:
                return link.outward_issue.key
        return None


def ticket_of(issue: Issue, states: StateMap, label: str) -> Ticket:
    """Return an issue as a ticket of the group that a label belongs to."""
    fields = issue.fields
    numbers = [
        int(text)
        for name in fields.labels
        if name.startswith(f"{label}-") and (text := name[len(label) + 1 :]).isdecimal()
    ]
    state = states.state_of(fields.status, fields.resolution)
    return Ticket(issue, state, max(numbers, default=1))


def _ends(link: IssueLink) -> tuple[str, ...]:
    ends = (link.outward_issue, link.inward_issue)
    return tuple(end.key for end in ends if end is not None)
