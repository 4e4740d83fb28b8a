"""An index is made again, or told what it missed, from what the store keeps.

Segments are replayed in their order. Where one is lost or damaged, its faults are read
from their snapshots, as far as those are kept; the state says which faults those are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
from sqlalchemy import func, select

from coresnap.errors import DamagedIndexError, MissingError, StorageError
from coresnap.store.accepting.rows import FaultRow
from coresnap.store.accepting.segment_rows import first_segment, last_segment
from coresnap.store.fault import Fault
from coresnap.store.index.contract import Segment
from coresnap.store.index.segments import (
    decode_segment,
    segment_key,
    segment_number,
    segments_prefix,
)
from coresnap.store.state.tables.faults import FAULTS
from coresnap.store.state.tables.queue import QUEUE, SEGMENTS
from coresnap.store.store import Store

__all__ = ["Progress", "Rebuilt", "catch_up", "is_behind", "mend", "rebuild"]

_BATCH = 500
"""Faults that are read from snapshots and held at a time."""


@attrs.frozen
class Progress:
    """How far it is."""

    segment: int
    last: int
    faults: int
    """That were written."""


@attrs.frozen
class Rebuilt:
    """What became of it."""

    segments: int
    faults: int
    """Records that were written; one that was replaced later counts, too."""
    recovered: int = 0
    """Of them from snapshots."""
    damaged: tuple[int, ...] = ()
    """Numbers of segments that are lost or damaged."""
    lost: int = 0
    """Faults of such segments that are counted in the state, but not in the index."""


Report = Callable[[Progress], None]
Recover = Callable[[FaultRow], Fault | None]
"""Reads a fault from its snapshot; None if that is not kept, or cannot be read."""


def rebuild(
    store: Store,
    project: int,
    recover: Recover,
    report: Report | None = None,
    *,
    from_snapshots: bool = False,
) -> Rebuilt:
    """Forget a project's index and make it again.

    With ``from_snapshots`` no segment is read. Raises StorageError if a place fails:
    then it can be done again.
    """
    store.index.clear(project)
    return catch_up(store, project, recover, report, from_snapshots=from_snapshots)


def catch_up(
    store: Store,
    project: int,
    recover: Recover,
    report: Report | None = None,
    *,
    from_snapshots: bool = False,
) -> Rebuilt:
    """Write all segments that the index does not have."""
    last = _last(store, project)
    result = Rebuilt(0, 0)
    with store.state.read() as connection:
        first = first_segment(connection, project)
    for number in range(max(store.index.written(project) + 1, first), last + 1):
        segment = None if from_snapshots else _read(store, project, number)
        if segment is None:
            result = _recover_segment(store, project, number, recover, result)
        else:
            store.index.write(segment)
            result = attrs.evolve(result, faults=result.faults + len(segment.faults))
        result = attrs.evolve(result, segments=result.segments + 1)
        if report is not None:
            report(Progress(number, last, result.faults))
    return result


def is_behind(store: Store, project: int) -> bool:
    """Tell whether the index lacks segments that are written. Raises DamagedIndexError
    for one that cannot be read."""
    return store.index.written(project) < _last(store, project)


def mend(
    store: Store, project: int, recover: Recover, report: Report | None = None
) -> Rebuilt | None:
    """Rebuild an index that is damaged, complete one that is behind; None if neither.

    None, too, while another server works on the project.
    """
    with store.state.alone(project) as is_alone:
        if not is_alone:
            return None
        try:
            if not is_behind(store, project):
                return None
        except DamagedIndexError:
            return rebuild(store, project, recover, report)
        return catch_up(store, project, recover, report)


def _last(store: Store, project: int) -> int:
    """Return the last segment that was finished, or whose object is there.

    One that is still in the queue will be written by the indexer.
    """
    with store.state.read() as connection:
        last = last_segment(connection, project)
        waiting = connection.execute(
            select(func.min(QUEUE.c.segment)).where(QUEUE.c.project == project)
        ).scalar()
    finished = last if waiting is None else waiting - 1
    stored = (
        segment_number(entry.key)
        for entry in store.objects.list(segments_prefix(project))
    )
    # A state that was restored from a backup knows fewer than there are.
    return max(finished, *(n for n in stored if n != waiting), 0)


def _read(store: Store, project: int, number: int) -> Segment | None:
    """Return a segment; None if it is lost or damaged."""
    try:
        with store.objects.open(segment_key(project, number)) as file:
            data = file.read()
    except MissingError:
        return None
    try:
        return decode_segment(data, project, number)
    except StorageError:
        return None


def _recover_segment(
    store: Store, project: int, number: int, recover: Recover, result: Rebuilt
) -> Rebuilt:
    """Write what the snapshots say of a segment's faults, as that segment."""
    found: list[Fault] = []
    lost = 0
    for row in _rows_of_segment(store, project, number):
        fault = recover(row)
        if fault is None:
            lost += 1
        else:
            found.append(fault)
    store.index.write(Segment(project, number, tuple(found)))
    return attrs.evolve(
        result,
        faults=result.faults + len(found),
        recovered=result.recovered + len(found),
        damaged=(*result.damaged, number),
        lost=result.lost + lost,
    )


def _rows_of_segment(store: Store, project: int, number: int) -> Iterator[FaultRow]:
    """Yield the faults that were received when a segment's were."""
    times = select(SEGMENTS.c.first_received, SEGMENTS.c.last_received).where(
        SEGMENTS.c.project == project, SEGMENTS.c.number == number
    )
    with store.state.read() as connection:
        span = connection.execute(times).first()
    after = 0
    while span is not None:
        columns = [FAULTS.c[field.name] for field in attrs.fields(FaultRow)]
        page = (
            select(*columns)
            .where(
                FAULTS.c.project == project,
                FAULTS.c.sequence > after,
                FAULTS.c.received.between(*span),
            )
            .order_by(FAULTS.c.sequence)
            .limit(_BATCH)
        )
        with store.state.read() as connection:
            rows = [FaultRow(*row) for row in connection.execute(page)]
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1].sequence
