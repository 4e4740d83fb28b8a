"""From the queue into segments, and from there into the index."""

from __future__ import annotations

import io

from sqlalchemy import Connection

from coresnap.errors import StorageError
from coresnap.store.accepting.queue import (
    Waiting,
    assign,
    assigned,
    discard,
    last_position,
    projects_that_wait,
    unassigned,
)
from coresnap.store.accepting.segment_rows import add_segment, last_segment
from coresnap.store.index.contract import Segment
from coresnap.store.index.segments import (
    decode_segment,
    encode_segment,
    segment_key,
)
from coresnap.store.store import Store

__all__ = ["Indexer"]

_MOST = 2000
"""Entries in one segment."""


class Indexer:
    """Writes what waits into the index; one for each process.

    A segment's content is decided in the state first. Whatever happens then, the same
    segment is written again: into objects, into the index, out of the queue. Where
    several servers share a state, each project's work is one server's at a time.
    """

    def __init__(self, store: Store, *, most: int = _MOST) -> None:
        """Take the store; ``most`` entries come together in a segment."""
        self._store = store
        self._most = most

    def run_once(self) -> int:
        """Index what waits now; return how many entries that was.

        What one project fails with does not hold up the others; it is raised then.
        """
        with self._store.state.read() as connection:
            projects = projects_that_wait(connection)
        done = 0
        failure: StorageError | None = None
        for project in projects:
            try:
                done += self._index(project)
            except StorageError as error:
                failure = error
        if failure is not None:
            raise failure
        return done

    def _index(self, project: int) -> int:
        """Index what waits of one project, unless another server does."""
        with self._store.state.alone(project) as is_alone:
            return self._index_alone(project) if is_alone else 0

    def _index_alone(self, project: int) -> int:
        with self._store.state.read() as connection:
            last = last_position(connection, project)
        done = 0
        while True:
            number, entries = self._begin(project)
            if not entries:
                return done
            self._write(_segment(project, number, entries))
            done += len(entries)
            if entries[-1].position >= last:
                return done  # what came meanwhile can gather

    def _begin(self, project: int) -> tuple[int, list[Waiting]]:
        """Return the segment that is to be written, and its entries, for good."""
        with self._store.state.read() as connection:
            number, entries = assigned(connection, project)
        if entries:
            return number, entries
        # A state that was restored from a backup may have less than the index.
        written = self._store.index.written(project)
        return self._store.state.transact(lambda c: self._decide(c, project, written))

    def _decide(
        self, connection: Connection, project: int, written: int
    ) -> tuple[int, list[Waiting]]:
        entries = unassigned(connection, project, self._most)
        number = max(last_segment(connection, project), written) + 1
        if entries:
            assign(connection, project, number, entries)
            add_segment(connection, _segment(project, number, entries))
        return number, entries

    def _write(self, segment: Segment) -> None:
        content = encode_segment(segment)
        key = segment_key(segment.project, segment.number)
        objects = self._store.objects
        if not objects.put(key, io.BytesIO(content), len(content)):
            with objects.open(key) as file:
                found = file.read()
            if found != content:
                _refuse_foreign(segment, found)
                objects.replace(key, io.BytesIO(content), len(content))
        self._store.index.write(segment)
        self._store.state.transact(
            lambda c: discard(c, segment.project, segment.number)
        )


def _segment(project: int, number: int, entries: list[Waiting]) -> Segment:
    # A fault that was replaced meanwhile is there twice; the last one counts.
    faults = {entry.fault.sequence: entry.fault for entry in entries if entry.fault}
    removed = tuple(object_id for entry in entries for object_id in entry.removed)
    return Segment(project, number, tuple(faults.values()), removed)


def _refuse_foreign(segment: Segment, found: bytes) -> None:
    """Raise StorageError if ``found`` is a segment: then it is another one.

    What is none is part of our own, whose writing was broken off.
    """
    try:
        decode_segment(found, segment.project, segment.number)
    except StorageError:
        return
    raise StorageError(
        f"segment {segment.number} of project {segment.project} is there already, and "
        "is not what was to be written",
        remedy="State and objects are not of one store, or the state was restored "
        "from a backup: start coroner again, and it takes over what is there.",
    )
