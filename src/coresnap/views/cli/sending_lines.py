"""How far a crash has come on its way to the store, and what keeps it from there."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from coresnap.errors import AccessError, CoresnapError
from coresnap.snapshot.escape import printable, without_surrogates

if TYPE_CHECKING:
    from coresnap.collect.journal import Entry
    from coresnap.collect.sending_state import SendingState
    from coresnap.config import Config

__all__ = ["Sending", "sending_by_id"]

_WORDS = {
    "sent": "sent",
    "waiting": "waits for the store",
    "refused": "refused by the store",
    "aside": "set aside and not sent",
}


@attrs.frozen
class Sending:
    """Whether the store has the snapshot of one crash."""

    state: str
    """``sent``, ``waiting``, ``refused``, or ``aside``: not tried any more."""
    reason: str = ""
    """Why it is not there; empty where nothing is wrong."""

    def __str__(self) -> str:
        words = _WORDS[self.state]
        return f"{words}: {printable(self.reason)}" if self.reason else words

    def as_json(self) -> dict[str, object]:
        """Return both under their own names."""
        return {"state": self.state, "reason": without_surrogates(self.reason)}


def sending_by_id(config: Config) -> Mapping[str, Sending]:
    """Return what journal and daemon say, by crash; nothing where they say nothing."""
    from coresnap.collect.journal import read_entries
    from coresnap.collect.sending_state import read_sending_state

    state = None
    with contextlib.suppress(AccessError):
        state = read_sending_state(config.sending_state)
    entries: Mapping[str, Entry] = {}
    # A listing is of the spool; `coresnap doctor` tells what the journal lacks.
    with contextlib.suppress(CoresnapError):
        entries = read_entries(config.journal)
    found = {name: _of_entry(entry, state) for name, entry in entries.items()}
    return {name: sending for name, sending in found.items() if sending is not None}


def _of_entry(entry: Entry, state: SendingState | None) -> Sending | None:
    from coresnap.collect.journal import State

    if entry.state is State.SENT:
        return Sending("sent")
    if entry.state is State.REFUSED:
        return Sending("refused", str(entry.detail.get("reason", "")))
    if entry.state is not State.READY or state is None:
        return None  # not analysed yet, or nobody sends anything from here
    reason = state.reason_aside(entry.id)
    if reason is not None:
        return Sending("aside", reason)
    return Sending("waiting", state.trouble)
