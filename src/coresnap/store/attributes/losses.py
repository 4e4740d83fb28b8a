"""What was left out of the index, counted by reason."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, select

from coresnap.store.api.attributes import LostValues
from coresnap.store.attributes.caps import Loss
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.attributes import ATTRIBUTE_LOSSES

__all__ = ["count_losses", "list_losses"]


def count_losses(
    connection: Connection, project: Project, losses: Mapping[str, Loss]
) -> None:
    """Add ``losses``, name to reason, to what the project has lost."""
    now = int(time.time())
    examples = {reason: name for name, reason in losses.items()}
    # In one order, lest two servers wait for each other.
    for reason, count in sorted(Counter(losses.values()).items()):
        upsert(
            connection,
            ATTRIBUTE_LOSSES,
            {
                "project": project.id,
                "reason": reason,
                "count": count,
                "last": now,
                "name": examples[reason],
            },
            ("project", "reason"),
            {
                "count": ATTRIBUTE_LOSSES.c.count + count,
                "last": now,
                "name": examples[reason],
            },
        )


def list_losses(connection: Connection, project: Project) -> tuple[LostValues, ...]:
    """Return what ``project`` has lost, by reason."""
    columns = ATTRIBUTE_LOSSES.c
    rows = connection.execute(
        select(columns.reason, columns.count, columns.last, columns.name)
        .where(columns.project == project.id)
        .order_by(columns.reason)
    )
    return tuple(LostValues(*row) for row in rows)
