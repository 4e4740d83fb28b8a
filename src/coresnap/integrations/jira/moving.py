"""Ways through a workflow: which transition makes a ticket say what a group says."""

from __future__ import annotations

import contextlib
from typing import Any

import attrs
import msgspec

from coresnap.integrations.jira.answers import Named, Screen, Transition
from coresnap.integrations.jira.states import StateMap, TicketState

__all__ = ["Way", "find_way"]

_RESOLUTION = "resolution"


@attrs.frozen
class Way:
    """A transition, and the fields that have to be given with it."""

    transition: Transition
    fields: dict[str, Any]


def find_way(
    transitions: tuple[Transition, ...], states: StateMap, wanted: TicketState
) -> Way | None:
    """Return the best transition to what is wanted; None if the workflow has none.

    What a set of the settings names first comes first. One that asks for what only
    people know (a time, a reviewer) is no way for us.
    """
    for transition in sorted(transitions, key=lambda t: states.rank(t.to)):
        fields = _fields(transition, states, wanted)
        if fields is not None:
            return Way(transition, fields)
    return None


def _fields(
    transition: Transition, states: StateMap, wanted: TicketState
) -> dict[str, Any] | None:
    """Return what to give, or None if it does not lead there, or not for us."""
    screens, known = transition.fields, states.resolutions
    if any(_is_in_the_way(name, screen) for name, screen in screens.items()):
        return None
    screen = screens.get(_RESOLUTION)
    if screen is None or not (wanted.is_closed or screen.required):
        return {} if states.state_of(transition.to, None) is wanted else None
    # What the settings name before what they do not.
    for resolution in sorted(_allowed(screen), key=lambda r: r.id not in known):
        if states.state_of(transition.to, resolution) is wanted:
            return {_RESOLUTION: {"id": resolution.id}}
    return None


def _is_in_the_way(name: str, screen: Screen) -> bool:
    return screen.required and not screen.has_default_value and name != _RESOLUTION


def _allowed(screen: Screen) -> list[Named]:
    found = []
    for raw in screen.allowed_values:
        with contextlib.suppress(msgspec.DecodeError):  # no resolution
            found.append(msgspec.json.decode(raw, type=Named))
    return found
