"""What people did to tickets, as changes of groups.

All tickets of groups have one label, so one search finds what changed, however many
there are. Its time is relative: Jira reads absolute ones in the zone of the account.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import msgspec

from coresnap.integrations.jira.answers import History, Issue
from coresnap.integrations.jira.memory import Remembered, read_memory
from coresnap.integrations.jira.people import assignee_of
from coresnap.integrations.jira.service import MARK, Service
from coresnap.integrations.jira.settings import JiraSettings
from coresnap.integrations.jira.states import TicketState
from coresnap.integrations.jira.ticket import OURS, Ticket, ticket_of
from coresnap.integrations.jira.tickets import Tickets
from coresnap.integrations.wording import shown
from coresnap.model.notice import Change

__all__ = ["Listening"]

_LATE = 300
"""Seconds by which clocks, and Cloud's search, may be behind."""
_LONGEST = 5 * 366 * 24 * 60
"""Minutes: a first time asks since the epoch."""
_DAY = 86_400
_STATE_FIELDS = frozenset(("status", "resolution", "Fix Version"))


class Listening:
    """Finds what is not as it was agreed on."""

    def __init__(
        self, settings: JiraSettings, service: Service, now: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._service = service
        self._tickets = Tickets(settings, service)
        self._now = now

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterator[Change]:
        """Yield changes; the same ones again until what they say is remembered."""
        groups: dict[str, list[tuple[str, Remembered]]] = {}
        for group, memory in remembered.items():
            one = read_memory(memory)
            if one.id and not one.part_of:
                groups.setdefault(one.id, []).append((group, one))
        if not groups:
            return
        minutes = math.ceil((self._now() - since + _LATE) / 60)
        minutes = min(max(1, minutes), _LONGEST)
        jql = f'labels = "{OURS}" AND updated >= "-{minutes}m" ORDER BY updated ASC'
        for issue in self._service.search(jql):
            for group, before in groups.get(issue.id, ()):
                change = self._change(group, before, issue)
                if change is not None:
                    yield change

    def _change(self, group: str, before: Remembered, found: Issue) -> Change | None:
        if not self._differs(self._current(group, found), before):
            return None
        # Cloud's search may show a ticket as it was a minute ago.
        issue = self._service.issue(found.key, history=True)
        if issue is None:
            return None
        ticket = self._current(group, issue)
        is_moved = ticket.issue.id != before.id or _says_other(ticket, before)
        last = _last_move(issue)
        if not self._differs(ticket, before) or (is_moved and _is_ours(last)):
            # Set by a delivery that did not get to say so; it is tried again.
            return None
        assignee = self._assignee(ticket)
        who = last.author.display_name if last is not None and last.author else ""
        change = Change(
            group=group,
            who=shown(who or "Jira", 200),
            why=_why(ticket, issue),
            assignee=assignee if assignee != before.assignee else None,
            memory=Remembered(
                id=ticket.issue.id,
                key=ticket.key,
                state=ticket.state.value,
                assignee=assignee,
                fixed_in=ticket.versions,
            ).as_memory(),
        )
        return self._with_state(change, ticket) if is_moved else change

    def _differs(self, ticket: Ticket, before: Remembered) -> bool:
        """Say whether a ticket is another one than was agreed on, or is so no more."""
        is_moved = ticket.issue.id != before.id or _says_other(ticket, before)
        return is_moved or self._assignee(ticket) != before.assignee

    def _assignee(self, ticket: Ticket) -> str:
        user = ticket.issue.fields.assignee
        return assignee_of(user, self._settings, self._service)

    def _current(self, group: str, issue: Issue) -> Ticket:
        """Return the ticket that an issue of a group leads to."""
        first = f"{OURS}-{group[:16]}-"
        labels = [
            label
            for label in issue.fields.labels
            if label.startswith(first) and "-" not in label.removeprefix(first)
        ]
        label = labels[0] if labels else ""
        ticket = ticket_of(issue, self._settings.states, label)
        return self._tickets.original_of(ticket, label) if label else ticket

    def _with_state(self, change: Change, ticket: Ticket) -> Change:
        """Return the change with what a status means for a group.

        A duplicate without an original says nothing of the crash.
        """
        state = ticket.state
        if state is TicketState.DUPLICATE:
            return change
        end = int(self._now()) + self._settings.mute_days * _DAY
        is_resolved = state is TicketState.RESOLVED
        return msgspec.structs.replace(
            change,
            state=state.value,
            next_version=is_resolved,
            fixed_in=ticket.versions if is_resolved else (),
            muted_until=end if state is TicketState.MUTED else 0,
        )


def _last_move(issue: Issue) -> History | None:
    """Return the latest change of a ticket's status."""
    if issue.changelog is None:
        return None
    found = [
        history
        for history in issue.changelog.histories
        if any(item.field in _STATE_FIELDS for item in history.items)
    ]
    return max(found, key=_order, default=None)


def _order(history: History) -> tuple[str, int]:
    return history.created, int(history.id) if history.id.isdecimal() else 0


def _says_other(ticket: Ticket, before: Remembered) -> bool:
    """Say whether a ticket means something else for its group than it did."""
    if ticket.state.value != before.state:
        return True
    is_resolved = ticket.state is TicketState.RESOLVED
    return is_resolved and ticket.versions != before.fixed_in


def _is_ours(history: History | None) -> bool:
    mark = None if history is None else history.history_metadata
    return mark is not None and mark.type == MARK


def _why(ticket: Ticket, issue: Issue) -> str:
    """Return what goes into the group's history."""
    fields = ticket.issue.fields
    text = f"{ticket.key} is {fields.status.name}"
    if fields.resolution is not None and ticket.state.is_closed:
        text += f" ({fields.resolution.name})"
    if ticket.state is TicketState.RESOLVED and ticket.versions:
        text += f", fixed in {', '.join(ticket.versions[:5])}"
    if ticket.issue.id != issue.id:
        text = f"{issue.key} is a duplicate of {ticket.key}; {text}"
    return shown(text, 500)
