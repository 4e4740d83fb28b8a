"""Which groups are open again, and what opened them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from coresnap.store.api.group_reopenings import ReopenedGroup, ReopenedGroups
from coresnap.store.api.groups import State
from coresnap.store.groups.history import STORE
from coresnap.store.groups.reopening import CLOSED
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import GROUP_HISTORY, GROUPS

__all__ = ["reopened_groups"]

_BATCH = 500
"""Groups in one statement: databases limit their parameters."""


def reopened_groups(
    connection: Connection, project: Project, since: int, limit: int
) -> ReopenedGroups:
    """Return the groups that were reopened at ``since`` or later, the latest first.

    Those that are closed again, or part of another group, are not among them.
    """
    columns = GROUPS.c
    times = {
        row.id: row.last_reopened
        for row in connection.execute(
            select(columns.id, columns.last_reopened)
            .where(
                columns.project == project.id,
                columns.last_reopened >= since,
                columns.into.is_(None),
                columns.state.not_in(CLOSED),
            )
            .order_by(columns.last_reopened.desc(), columns.id)
            .limit(limit)
        )
    }
    last = _last_reopenings(connection, project, list(times))
    return ReopenedGroups(
        tuple(
            ReopenedGroup(group, time, *last[group])
            for group, time in times.items()
            if group in last
        )
    )


def _last_reopenings(
    connection: Connection, project: Project, groups: list[str]
) -> dict[str, tuple[State, str]]:
    """The state that ended with the last reopening of each group, and why."""
    columns = GROUP_HISTORY.c
    found = {}
    for first in range(0, len(groups), _BATCH):
        rows = connection.execute(
            select(columns.group, columns.old, columns.why)
            .where(
                columns.project == project.id,
                columns.group.in_(groups[first : first + _BATCH]),
                columns.what == "state",
                columns.who == STORE,
                columns.new == State.OPEN,
            )
            .order_by(columns.id)
        )
        for group, old, why in rows:
            # As `_reopen` writes it: `resolved until …`.
            found[group] = (State(old.partition(" ")[0]), why)
    return found
