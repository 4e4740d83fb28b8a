"""Changes of groups as forms say them, all in one place of the page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coresnap.errors import UsageError
from coresnap.store.api.group_changes import ChangeGroups, Resolution
from coresnap.store.api.groups import Link, State
from coresnap.store.api.until import (
    CountUntil,
    HostsUntil,
    TimeUntil,
    Until,
    VersionUntil,
)
from coresnap.store.query.query import Filter
from coresnap.views.web.page import Visit

__all__ = ["ENDS", "change_of"]

_HOUR = 3600
_SPANS = {"hours": _HOUR, "days": 24 * _HOUR, "weeks": 7 * 24 * _HOUR}
ENDS: Mapping[str, str] = {
    **{name: name for name in _SPANS},
    "faults": "more faults",
    "hosts": "hosts",
    "version": "that version",
}
"""What can end a mute: the field's value to its words."""
_DIGITS = 9


def change_of(
    visit: Visit, groups: Sequence[str] = (), filter: Filter | None = None
) -> ChangeGroups:
    """Return the change that the pressed button, and the fields beside it, say.

    Raises UsageError for fields that say nothing, and for an unknown button.
    """
    for button, fields_of in _BUTTONS.items():
        if visit.form.get(button):
            return ChangeGroups(
                groups=tuple(groups),
                filter=filter,
                reason=visit.one("reason").strip(),
                **fields_of(visit, visit.one(button)),
            )
    raise UsageError("nothing was chosen", remedy="Press one of the buttons.")


def _state(visit: Visit, value: str) -> dict[str, Any]:
    if value == State.RESOLVED:
        return {"state": State.RESOLVED, **_resolution(visit)}
    if value == State.MUTED:
        return {"state": State.MUTED, "until": (_end(visit),)}
    if value in (State.OPEN, State.IN_PROGRESS):
        return {"state": State(value)}
    raise UsageError(f"there is no state {value}")


def _resolution(visit: Visit) -> dict[str, Any]:
    chosen = visit.one("resolution", Resolution.NOW)
    version = visit.one("version").strip()
    if chosen == "version":
        if not version:
            raise UsageError(
                "no version was given",
                remedy="Write the first one that has the repair.",
            )
        return {"until": (VersionUntil(version),)}
    if chosen not in tuple(Resolution):
        raise UsageError(f"nothing is resolved in {chosen}")
    return {"resolution": Resolution(chosen)}


def _end(visit: Visit) -> Until:
    """Return what ends a mute."""
    unit, amount = visit.one("end_unit", "days"), visit.one("end").strip()
    if unit == "version" and amount:
        return VersionUntil(amount)
    if not re.fullmatch(rf"[1-9][0-9]{{0,{_DIGITS - 1}}}", amount):
        raise UsageError(
            "a mute needs an end", remedy="Write a number, and choose of what."
        )
    number = int(amount)
    if unit in _SPANS:
        return TimeUntil(int(time.time()) + number * _SPANS[unit])
    if unit == "faults":
        return CountUntil(number)
    if unit == "hosts":
        return HostsUntil(number)
    raise UsageError(f"a mute does not end with {unit}")


def _assignee(visit: Visit, value: str) -> dict[str, Any]:
    if value == "me":
        return {"assignee": visit.visitor.name}
    return {"assignee": "" if value == "nobody" else visit.one("assignee").strip()}


def _tags(visit: Visit, value: str) -> dict[str, Any]:
    words = tuple(word for word in re.split(r"[,\s]+", visit.one("tags")) if word)
    if not words:
        raise UsageError("no tag was given", remedy="Write a word, or several.")
    return {"remove_tags" if value == "remove" else "add_tags": words}


def _untag(visit: Visit, value: str) -> dict[str, Any]:
    return {"remove_tags": (value,)}


def _link(visit: Visit, value: str) -> dict[str, Any]:
    name, url = visit.one("ticket").strip(), visit.one("ticket_url").strip()
    if not name or not url:
        raise UsageError(
            "a ticket has a name and an address", remedy="As in NET-17, https://…"
        )
    return {"add_link": Link(name, url)}


def _unlink(visit: Visit, value: str) -> dict[str, Any]:
    return {"remove_link": value}


_BUTTONS: Mapping[str, Callable[[Visit, str], dict[str, Any]]] = {
    "untag": _untag,
    "unlink": _unlink,
    "set_state": _state,
    "set_assignee": _assignee,
    "set_tags": _tags,
    "link": _link,
}
"""Names of buttons to what they, and the fields beside them, say."""
