"""What is remembered of a group's ticket between two notices."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

__all__ = ["Remembered", "read_memory"]


@attrs.frozen
class Remembered:
    """The ticket as both sides last agreed on it; what differs later was changed by
    people over there."""

    id: str = ""
    """Jira's own id: a ticket that is moved has another key."""
    key: str = ""
    state: str = ""
    """As TicketState, so that settings may change."""
    assignee: str = ""
    """As groups name people."""
    fixed_in: tuple[str, ...] = ()
    part_of: str = ""
    """The group that this one was merged into while both had tickets: what becomes of
    this ticket means nothing for it."""

    def as_memory(self) -> dict[str, str]:
        """Return the form that is kept."""
        texts = {
            "id": self.id,
            "key": self.key,
            "state": self.state,
            "assignee": self.assignee,
            "fixed_in": "\n".join(self.fixed_in),
            "part_of": self.part_of,
        }
        return {name: text for name, text in texts.items() if text}


def read_memory(memory: Mapping[str, str]) -> Remembered:
    """Return what was kept; what is not there is empty."""
    return Remembered(
        id=memory.get("id", ""),
        key=memory.get("key", ""),
        state=memory.get("state", ""),
        assignee=memory.get("assignee", ""),
        fixed_in=tuple(filter(None, memory.get("fixed_in", "").split("\n"))),
        part_of=memory.get("part_of", ""),
    )
