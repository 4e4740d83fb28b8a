"""What is asked about an arrival in the transaction that accepts it."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from sqlalchemy import Connection

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.fault import Fault
from coresnap.store.groups.noting import Noted, group_of, note
from coresnap.store.project import Project

__all__ = ["RULES", "Rules"]


@attrs.frozen
class Rules:
    """Who is asked."""

    note_group: Callable[[Connection, Project, Fault, Arrival, str | None], Noted]
    group_of: Callable[[Connection, Project, str], str]


RULES = Rules(note_group=note, group_of=group_of)
