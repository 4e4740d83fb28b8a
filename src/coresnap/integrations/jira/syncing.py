"""State and assignee of a group, set in its ticket."""

from __future__ import annotations

from coresnap.errors import DeliveryError
from coresnap.integrations.jira.memory import Remembered
from coresnap.integrations.jira.moving import find_way
from coresnap.integrations.jira.people import account_for
from coresnap.integrations.jira.service import Service
from coresnap.integrations.jira.settings import JiraSettings
from coresnap.integrations.jira.states import TicketState
from coresnap.integrations.jira.ticket import Ticket
from coresnap.integrations.wording import shown
from coresnap.model.notice import Notice

__all__ = ["Syncing"]

_REOPENED = (TicketState.OPEN, TicketState.IN_PROGRESS)


class Syncing:
    """Moves and assigns tickets. What a workflow does not allow is said, not forced."""

    def __init__(self, settings: JiraSettings, service: Service) -> None:
        self._settings = settings
        self._service = service

    def can_move(self, ticket: Ticket, *wanted: TicketState) -> bool:
        """Say whether the workflow leads from a ticket's status to one of these."""
        ways = self._service.transitions(ticket.key)
        states = self._settings.states
        return any(find_way(ways, states, state) is not None for state in wanted)

    def reopen(self, ticket: Ticket) -> str:
        """Open a closed ticket again; return the name of its status."""
        return self._move(ticket, *_REOPENED)

    def follow(self, ticket: Ticket, notice: Notice, remembered: Remembered) -> str:
        """Move a ticket to what its group's state is; return what was done, if any."""
        try:
            wanted = TicketState(notice.state)
        except ValueError:  # a state that groups have, and this module does not know
            return ""
        if not self._settings.tells_jira or ticket.state is wanted:
            return ""
        if _was_moved_by_people(ticket, wanted, remembered):
            return "moved by people, which is heard next"
        if wanted is TicketState.MUTED and not self._settings.states.has(wanted):
            return ""  # Jira has no such thing; the comment says it
        name = self._move(ticket, wanted)
        return f"moved to {name}" if name else "its workflow has no way there"

    def assign(self, ticket: Ticket, notice: Notice, remembered: Remembered) -> str:
        """Give a ticket to the group's assignee; return what was done, if any.

        Only what was changed in the group: an assignee that Jira chose by itself for a
        group without one stays.
        """
        name = notice.assignee
        if not self._settings.tells_jira or name == remembered.assignee:
            return ""
        account = account_for(name, self._settings, self._service) if name else ""
        if account is None:
            return f"nobody in Jira is known as {shown(name, 80)}"
        try:
            self._service.assign(ticket.key, account)
        except DeliveryError as error:
            if not error.is_final:
                raise
            return f"could not be assigned to {shown(name, 80)}"
        return f"assigned to {shown(name, 80)}" if name else "assigned to nobody"

    def _move(self, ticket: Ticket, *wanted: TicketState) -> str:
        ways = self._service.transitions(ticket.key)
        for state in wanted:
            way = find_way(ways, self._settings.states, state)
            if way is not None:
                self._service.move(ticket.key, way.transition.id, way.fields)
                return way.transition.to.name
        return ""


def _was_moved_by_people(
    ticket: Ticket, wanted: TicketState, remembered: Remembered
) -> bool:
    """Say whether the ticket was moved since both agreed, and the group was not."""
    if remembered.state == wanted.value:
        return True
    was_closed = remembered.state not in (s.value for s in _REOPENED)
    return ticket.state.is_closed and not (was_closed or wanted.is_closed)
