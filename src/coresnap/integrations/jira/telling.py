"""What each kind of notice does in Jira."""

from __future__ import annotations

import attrs

from coresnap.integrations.jira.memory import Remembered
from coresnap.integrations.jira.people import assignee_of
from coresnap.integrations.jira.service import Service
from coresnap.integrations.jira.settings import JiraSettings, Regression
from coresnap.integrations.jira.states import TicketState
from coresnap.integrations.jira.syncing import Syncing
from coresnap.integrations.jira.ticket import Ticket, group_label, ticket_of
from coresnap.integrations.jira.tickets import Tickets
from coresnap.integrations.jira.wording import comment, reference
from coresnap.model.notice import Event, Notice

__all__ = ["Telling", "Was"]

_MAKES = frozenset(
    (Event.NEW_GROUP, Event.REGRESSION, Event.COUNT, Event.HOSTS, Event.RATE)
)


@attrs.frozen
class Was:
    """What was done: the ticket it was done to, and in words."""

    ticket: Ticket | None
    line: str
    part_of: str = ""
    is_assigned: bool = False
    """The ticket was to get the group's assignee."""


class Telling:
    """Tells one notice. A second try does what the first one did not get to."""

    def __init__(self, settings: JiraSettings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._tickets = Tickets(settings, service)
        self._syncing = Syncing(settings, service)

    def tell(self, notice: Notice, remembered: Remembered) -> Was:
        """Do it. Raises DeliveryError."""
        ticket = self._tickets.find(notice, remembered)
        if ticket is None:
            if notice.event in _MAKES:
                made, _ = self._tickets.make(notice, 1)
                return self._settled(notice, Remembered(), made, "made")
            return Was(None, "the group has no ticket")
        if notice.event is Event.MERGE:
            return self._merge(notice, ticket)
        if notice.event is Event.REGRESSION:
            return self._regress(notice, remembered, ticket)
        if notice.event is Event.STATE:
            return self._follow(notice, remembered, ticket)
        if notice.event is not Event.UPDATE and remembered.key:
            self._comment(ticket, notice)
            missing = self._tickets.show_group(ticket, notice)
            return Was(ticket, _line(ticket, "commented", missing))
        if not remembered.key:
            return self._settled(notice, remembered, ticket, "was there")
        missing = self._tickets.show_group(ticket, notice)
        return Was(ticket, _line(ticket, missing or "shows the new counts"))

    def remember(self, was: Was, notice: Notice, before: Remembered) -> Remembered:
        """Return what both sides agree on, after it was done.

        What people changed and nobody has asked for yet is not agreed on.
        """
        if was.ticket is None:
            return Remembered()
        issue = self._service.issue(was.ticket.key)
        if issue is None:
            return Remembered()
        label = group_label(notice, notice.group)
        ticket = ticket_of(issue, self._settings.states, label)
        agreed = before
        if before.id != issue.id:
            agreed = Remembered(issue.id, issue.key, TicketState.OPEN.value)
        if _agrees(ticket, notice):
            agreed = attrs.evolve(
                agreed, state=ticket.state.value, fixed_in=ticket.versions
            )
        if was.is_assigned:
            user = issue.fields.assignee
            name = assignee_of(user, self._settings, self._service)
            agreed = attrs.evolve(agreed, assignee=name)
        return attrs.evolve(agreed, key=issue.key, part_of=was.part_of)

    def _settled(
        self, notice: Notice, remembered: Remembered, ticket: Ticket, done: str
    ) -> Was:
        """Do what belongs to a new ticket, and is the same when it is done twice."""
        missing = self._tickets.show_group(ticket, notice)
        said = self._syncing.assign(ticket, notice, remembered)
        line = _line(ticket, done, said, missing)
        return Was(ticket, line, is_assigned=bool(said))

    def _regress(self, notice: Notice, remembered: Remembered, ticket: Ticket) -> Was:
        policy = self._settings.regression
        if not ticket.state.is_closed:
            self._comment(ticket, notice)
            return self._settled(notice, remembered, ticket, "commented: it is open")
        if policy is Regression.COMMENT:
            self._comment(ticket, notice)
            return Was(ticket, f"{ticket.key} commented: regression=comment")
        can_reopen = (
            policy is Regression.REOPEN
            # What was cancelled is not taken up again by a program.
            and ticket.state is TicketState.RESOLVED
            and self._syncing.can_move(
                ticket, TicketState.OPEN, TicketState.IN_PROGRESS
            )
        )
        if not can_reopen:
            return self._succeed(notice, ticket)
        self._comment(ticket, notice, "So this ticket is opened again.")
        status = self._syncing.reopen(ticket)
        return self._settled(notice, remembered, ticket, f"reopened as {status}")

    def _succeed(self, notice: Notice, old: Ticket) -> Was:
        """Make the next ticket of a group, linked to the closed one."""
        ticket, _ = self._tickets.make(notice, old.generation + 1)
        missing = self._tickets.relate(ticket, old.key)
        for one, why in (
            (ticket, f"The earlier ticket, {old.key}, is closed."),
            (old, f"This ticket stays closed; {ticket.key} is about it now."),
        ):
            self._comment(one, notice, why)
        done = f"made after {old.key}, {missing or 'linked'}"
        return self._settled(notice, Remembered(), ticket, done)

    def _follow(self, notice: Notice, remembered: Remembered, ticket: Ticket) -> Was:
        self._comment(ticket, notice)
        moved = self._syncing.follow(ticket, notice, remembered)
        assigned = self._syncing.assign(ticket, notice, remembered)
        missing = self._tickets.show_group(ticket, notice)
        done = "" if moved or assigned else "commented"
        line = _line(ticket, moved, assigned, done, missing)
        return Was(ticket, line, is_assigned=bool(assigned))

    def _merge(self, notice: Notice, ticket: Ticket) -> Was:
        """Say it in the tickets of both groups, and link them."""
        other = self._tickets.find_other(notice)
        if other is None or other.issue.id == ticket.issue.id:
            # The whole has no ticket of its own: this one becomes it.
            why = "This ticket is about all of it."
            self._comment(ticket, notice, why)
            self._tickets.mark(ticket, group_label(notice, notice.other))
            return Was(ticket, f"{ticket.key} is the ticket of {notice.other[:16]} now")
        missing = self._tickets.relate(ticket, other.key)
        self._comment(ticket, notice, f"Its ticket is {other.key}.")
        self._comment(
            other,
            notice,
            f"The part is group {notice.group[:16]}, whose ticket was {ticket.key}.",
        )
        line = f"{ticket.key} and {other.key} {missing or 'linked'}"
        return Was(ticket, line, part_of=notice.other)

    def _comment(self, ticket: Ticket, notice: Notice, action: str = "") -> None:
        """Comment, unless an earlier try did."""
        if not self._service.has_comment(ticket.key, reference(notice)):
            self._service.comment(ticket.key, comment(notice, action))


def _agrees(ticket: Ticket, notice: Notice) -> bool:
    """Say whether a ticket means what its group is; a regression is newer than all that
    was done to its ticket."""
    if notice.event is Event.REGRESSION or ticket.state.value == notice.state:
        return True
    is_closed = notice.state in (TicketState.RESOLVED, TicketState.MUTED)
    return not is_closed and not ticket.state.is_closed


def _line(ticket: Ticket, *done: str) -> str:
    return f"{ticket.key} {', '.join(filter(None, done))}"
