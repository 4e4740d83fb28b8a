"""What is asked about an arrival in the transaction that accepts it."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from sqlalchemy import Connection

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.fault import Fault
from coresnap.store.project import Project

__all__ = ["RULES", "Noted", "Rules"]


@attrs.frozen
class Noted:
    """What a fault means for its group."""

    group: str
    is_new: bool
    is_regression: bool


@attrs.frozen
class Rules:
    """Who is asked."""

    note_group: Callable[[Connection, Project, Fault, Arrival], Noted]
    group_of: Callable[[Connection, Project, str], str]


RULES = Rules(
    note_group=lambda connection, project, fault, arrival: Noted(
        fault.fingerprint, False, False
    ),
    group_of=lambda connection, project, fingerprint: fingerprint,
)
