"""Tickets of groups: each is found before it is made, so that two tries make one.

The key is a label. Jira Cloud finds a new ticket by its labels after seconds only: a
try whose answer was lost is therefore not repeated at once (``failures``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coresnap.errors import DeliveryError
from coresnap.integrations.jira.document import paragraph
from coresnap.integrations.jira.memory import Remembered
from coresnap.integrations.jira.service import Service
from coresnap.integrations.jira.settings import JiraSettings
from coresnap.integrations.jira.states import TicketState
from coresnap.integrations.jira.template import filled, filled_fields
from coresnap.integrations.jira.ticket import (
    OURS,
    Ticket,
    generation_label,
    group_label,
    ticket_of,
)
from coresnap.integrations.jira.wording import description, value_of
from coresnap.integrations.wording import shown
from coresnap.model.notice import Notice

__all__ = ["Tickets", "new_fields"]

_MOST_SUMMARY = 255
_MOST_DUPLICATES = 5


class Tickets:
    """Finds, makes and marks tickets. Every method raises DeliveryError."""

    def __init__(self, settings: JiraSettings, service: Service) -> None:
        self._settings = settings
        self._service = service

    def find(self, notice: Notice, remembered: Remembered) -> Ticket | None:
        """Return the ticket that is about the notice's group now.

        The one that is remembered, else the latest that has the group's label; what is
        closed as a duplicate leads to its original.
        """
        label = group_label(notice, notice.group)
        issue = self._service.issue(remembered.key) if remembered.key else None
        found = (
            self._by_label(label)
            if issue is None
            else ticket_of(issue, self._settings.states, label)
        )
        return None if found is None else self.original_of(found, label)

    def find_other(self, notice: Notice) -> Ticket | None:
        """Return the ticket of the group that the notice's one was merged into."""
        return self._by_label(group_label(notice, notice.other))

    def make(self, notice: Notice, generation: int) -> tuple[Ticket, bool]:
        """Return the group's first ticket, or a further one, and whether it is new."""
        label = group_label(notice, notice.group)
        if generation > 1:
            found = self._by_label(label)
            if found is not None and found.generation >= generation:
                return found, False
        fields = new_fields(self._settings, notice, generation)
        fields["description"] = self._service.dialect.body(
            description(notice, self._settings.description)
        )
        made = self._service.create(fields)
        issue = self._service.issue(made.key)
        if issue is None:
            raise DeliveryError(
                f"{made.key} was made, but may not be seen",
                remedy="Give the account the right to see the project's tickets.",
                is_final=True,
            )
        return ticket_of(issue, self._settings.states, label), True

    def mark(self, ticket: Ticket, label: str, generation: int = 1) -> None:
        """Let a ticket be found as one of a group."""
        has = ticket.issue.fields.labels
        wanted = (OURS, label, *generation_label(label, generation))
        labels = tuple(dict.fromkeys((*has, *wanted)))
        if labels != has:
            self._service.set_labels(ticket.key, labels)

    def relate(self, ticket: Ticket, other: str) -> str:
        """Link a ticket to another one, unless they are linked.

        Returns why Jira does not let us, or nothing: the comments name both anyway.
        """
        if ticket.key == other or ticket.is_linked_to(other):
            return ""
        return _tried("not linked", lambda: self._link(ticket.key, other))

    def _link(self, key: str, other: str) -> None:
        kinds = {kind.lower(): kind for kind in self._service.link_types()}
        kind = kinds.get(self._settings.link_type.lower())
        if kind is None:
            raise DeliveryError(
                f"Jira has no links of the kind {self._settings.link_type}, but "
                + ", ".join(kinds.values()),
                is_final=True,
            )
        self._service.link(kind, key, other)

    def show_group(self, ticket: Ticket, notice: Notice) -> str:
        """Let the ticket have a link to the group, with its counts as they are now.

        Returns why Jira does not let us, or nothing: the description has it, too.
        """
        if not notice.url:
            return ""
        link = _remote_link(notice)
        return _tried(
            "no link to the group",
            lambda: self._service.set_remote_link(ticket.key, link),
        )

    def original_of(self, ticket: Ticket, label: str) -> Ticket:
        """Return what a duplicate is a duplicate of, which is the group's from then on;
        any other ticket itself."""
        for _ in range(_MOST_DUPLICATES):
            if ticket.state is not TicketState.DUPLICATE or ticket.original is None:
                break
            issue = self._service.issue(ticket.original)
            if issue is None:
                break
            follower, generation = ticket.key, ticket.generation + 1
            ticket = ticket_of(issue, self._settings.states, label)
            if label not in issue.fields.labels:
                why = f"{follower} is a duplicate of this ticket"
                text = paragraph(
                    f"{why}: Coresnap tells here what becomes of its crash."
                )
                self._service.comment(ticket.key, (text,))
            self.mark(ticket, label, generation)
        return ticket

    def _by_label(self, label: str) -> Ticket | None:
        """Return the latest ticket of a group. Of those that are alike, the first: a
        clone that somebody made has the same labels."""
        states = self._settings.states
        found = [
            ticket_of(issue, states, label)
            for issue in self._service.search(f'labels = "{label}"')
            if label in issue.fields.labels
        ]
        if not found:
            return None
        latest = max(found, key=lambda t: (t.generation, -t.number))
        # Cloud's search may show a ticket as it was a minute ago, or one that is gone.
        issue = self._service.issue(latest.key)
        return None if issue is None else ticket_of(issue, states, label)


def new_fields(
    settings: JiraSettings, notice: Notice, generation: int
) -> dict[str, Any]:
    """Return the fields of a new ticket, without its description."""

    def values(name: str) -> str:
        return value_of(notice, name)

    label = group_label(notice, notice.group)
    kind = "id" if settings.issue_type.isdecimal() else "name"
    labels = (OURS, label, *generation_label(label, generation), *settings.labels)
    return {
        **filled_fields(dict(settings.fields), values),
        "project": {"key": settings.project},
        "issuetype": {kind: settings.issue_type},
        "summary": filled(settings.summary, values, _MOST_SUMMARY) or "Crash",
        "labels": list(labels),
    }


def _tried(what: str, act: Callable[[], None]) -> str:
    """Do what a ticket is good without; return what is missing and why."""
    try:
        act()
    except DeliveryError as error:
        if not error.is_final:
            raise
        return f"{what}: {error}"
    return ""


def _remote_link(notice: Notice) -> dict[str, Any]:
    place = f"{notice.universe}/{notice.project}"
    counts = f"{notice.count} faults on {notice.hosts} hosts, {notice.state}"
    return {
        "globalId": f"coresnap={place}/{notice.group}",
        "application": {"type": "coresnap", "name": "Coresnap"},
        "relationship": "is about",
        "object": {
            "url": notice.url,
            "title": shown(f"Group {notice.group[:16]}: {notice.title}", 200),
            "summary": counts,
        },
    }
