"""Which segments a project has: their numbers, and what is in them."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from coresnap.store.index.contract import Segment
from coresnap.store.state.tables.queue import SEGMENTS

__all__ = ["add_segment", "first_segment", "last_segment"]


def first_segment(connection: Connection, project: int) -> int:
    """Return the number of the first segment that is kept; 1 if none is known.

    Those before it were forgotten by retention.
    """
    numbers = select(func.min(SEGMENTS.c.number)).where(SEGMENTS.c.project == project)
    return connection.execute(numbers).scalar() or 1


def last_segment(connection: Connection, project: int) -> int:
    """Return the number of the last segment that was begun; 0 for none."""
    numbers = select(func.max(SEGMENTS.c.number)).where(SEGMENTS.c.project == project)
    return connection.execute(numbers).scalar() or 0


def add_segment(connection: Connection, segment: Segment) -> None:
    """Note that a segment was begun."""
    received = [fault.received for fault in segment.faults]
    connection.execute(
        insert(SEGMENTS),
        {
            "project": segment.project,
            "number": segment.number,
            "faults": len(segment.faults),
            "first_received": min(received, default=0),
            "last_received": max(received, default=0),
        },
    )
