"""What is asked about an arrival in the transaction that accepts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from sqlalchemy import Connection

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.attributes import discovery
from coresnap.store.fault import Fault, Value
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

    decide: Callable[[Connection, Project, Arrival], str]
    """``all``, or ``summary``: the body is not kept."""
    note_attributes: Callable[[Connection, Project, Arrival], Mapping[str, Value]]
    """Learn them; return those within the project's caps."""
    note_group: Callable[[Connection, Project, Fault, Arrival], Noted]
    group_of: Callable[[Connection, Project, str], str]


RULES = Rules(
    decide=lambda connection, project, arrival: "all",
    note_attributes=discovery.note,
    note_group=lambda connection, project, fault, arrival: Noted(
        fault.fingerprint, False, False
    ),
    group_of=lambda connection, project, fingerprint: fingerprint,
)
