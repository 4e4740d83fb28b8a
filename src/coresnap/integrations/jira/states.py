"""What a status of a ticket means for a group, by sets of ids.

Names are no key: two workflows of one project may each have a status called Done. A
resolution counts more than a status: closed as Duplicate is not repaired.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from coresnap.errors import ConfigError
from coresnap.integrations.jira.answers import Named, Status

__all__ = ["StateMap", "TicketState", "read_states"]


class TicketState(enum.StrEnum):
    """What a ticket says of the crash."""

    OPEN = "open"
    IN_PROGRESS = "in-progress"
    RESOLVED = "resolved"
    MUTED = "muted"
    """Nobody will repair it: cancelled, won't fix."""
    DUPLICATE = "duplicate"
    """Another ticket is about it."""

    @property
    def is_closed(self) -> bool:
        """Say whether nobody is expected to work on it."""
        return self not in (TicketState.OPEN, TicketState.IN_PROGRESS)


_BY_CATEGORY = {
    "new": TicketState.OPEN,
    "indeterminate": TicketState.IN_PROGRESS,
    "done": TicketState.RESOLVED,
}
_RESOLUTION = "resolution:"


@attrs.frozen
class StateMap:
    """Ids of statuses and resolutions to what they mean."""

    statuses: Mapping[str, TicketState]
    resolutions: Mapping[str, TicketState]

    def state_of(self, status: Status, resolution: Named | None) -> TicketState:
        """Return what a ticket says; what no set names, by the category of its status.

        A resolution counts for closed tickets only: some workflows leave it when a
        ticket is opened again.
        """
        state = self.statuses.get(status.id) or _BY_CATEGORY.get(
            status.category.key, TicketState.OPEN
        )
        if resolution is None or not state.is_closed:
            return state
        return self.resolutions.get(resolution.id, state)

    def has(self, state: TicketState) -> bool:
        """Say whether a set names anything that means this."""
        return state in (*self.statuses.values(), *self.resolutions.values())

    def rank(self, status: Status) -> int:
        """Return how early a status stands in its set; those in none come last."""
        ids = list(self.statuses)
        return ids.index(status.id) if status.id in self.statuses else len(ids)


def read_states(texts: Mapping[TicketState, str]) -> StateMap:
    """Read sets like ``10010 resolution:3``. Raises ConfigError."""
    statuses: dict[str, TicketState] = {}
    resolutions: dict[str, TicketState] = {}
    for state, text in texts.items():
        for word in text.replace(",", " ").split():
            kind = resolutions if word.startswith(_RESOLUTION) else statuses
            number = word.removeprefix(_RESOLUTION)
            if not number.isdecimal():
                raise ConfigError(
                    f"{state}: {word} is no id of a status",
                    remedy="`coroner integrations test` shows the ids; a resolution is "
                    "written resolution:ID.",
                )
            if kind.setdefault(number, state) is not state:
                raise ConfigError(
                    f"{word} is in two sets, {kind[number]} and {state}",
                    remedy="Name each status and resolution once.",
                )
    return StateMap(statuses, resolutions)
