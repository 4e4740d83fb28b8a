"""What was accepted comes into segments and the index: all of it, once, in order."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import cast

import pytest

from coresnap.errors import StorageError
from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import backlog
from coresnap.store.index.contract import Index, Segment
from coresnap.store.index.segments import decode_segment, encode_segment, segment_key
from coresnap.store.objects.contract import Objects
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.store import Store
from store.arrivals import make_sent


class RecordingIndex:
    """Keeps segments as the contract says, and fails when it is told to."""

    def __init__(self) -> None:
        self.segments: dict[int, Segment] = {}
        self.is_failing = False

    def write(self, segment: Segment) -> None:
        if self.is_failing:
            raise StorageError("the index fails")
        self.segments.setdefault(segment.number, segment)

    def written(self, project: int) -> int:
        return max(self.segments, default=0)


@pytest.fixture
def index() -> RecordingIndex:
    return RecordingIndex()


@pytest.fixture
def store(state: State, objects: Objects, index: RecordingIndex) -> Store:
    return Store(state, objects, cast("Index", index))


def put(store: Store, project: Project, *numbers: int) -> list[str]:
    for number in numbers:
        sent = make_sent(number)
        accept(store, project, sent.arrival, sent.staged)
    return [make_sent(number).arrival.object for number in numbers]


def indexed(segments: Mapping[int, Segment]) -> list[str]:
    return [f.object for number in sorted(segments) for f in segments[number].faults]


def test_faults_come_into_the_index_in_order_and_leave_the_queue(
    store: Store, project: Project, index: RecordingIndex
) -> None:
    objects = put(store, project, 1, 2, 3)

    assert Indexer(store).run_once() == 3

    assert indexed(index.segments) == objects
    assert backlog(store.state).depth == 0
    assert Indexer(store).run_once() == 0


def test_more_than_fits_in_a_segment_comes_in_several_without_gaps(
    store: Store, project: Project, index: RecordingIndex
) -> None:
    objects = put(store, project, *range(7))

    assert Indexer(store, most=3).run_once() == 7

    assert sorted(index.segments) == [1, 2, 3]
    assert indexed(index.segments) == objects


def test_each_segment_is_an_object_with_the_same_content(
    store: Store, project: Project, index: RecordingIndex
) -> None:
    put(store, project, 1, 2)
    Indexer(store).run_once()

    with store.objects.open(segment_key(project.id, 1)) as file:
        kept = decode_segment(file.read(), project.id, 1)

    assert kept == index.segments[1]


def test_what_failed_halfway_is_the_same_segment_the_next_time(
    store: Store, project: Project, index: RecordingIndex
) -> None:
    first = put(store, project, 1)
    index.is_failing = True
    with pytest.raises(StorageError):
        Indexer(store).run_once()
    later = put(store, project, 2)
    index.is_failing = False

    Indexer(store).run_once()

    assert [f.object for f in index.segments[1].faults] == first
    assert [f.object for f in index.segments[2].faults] == later
    assert backlog(store.state).depth == 0


def test_a_backlog_has_a_depth_and_an_age(store: Store, project: Project) -> None:
    put(store, project, 1, 2)

    waiting = backlog(store.state)

    assert waiting.depth == 2
    assert backlog(store.state, now=2e12).age > 1e9


def test_a_segment_of_somebody_else_is_never_written_over(
    store: Store, project: Project, index: RecordingIndex
) -> None:
    put(store, project, 1)
    other = encode_segment(Segment(project.id, 1, (), ("other",)))
    store.objects.put(segment_key(project.id, 1), io.BytesIO(other), len(other))

    with pytest.raises(StorageError, match="not what was to be written"):
        Indexer(store).run_once()

    with store.objects.open(segment_key(project.id, 1)) as file:
        assert file.read() == other
    assert not index.segments


def test_a_segment_that_came_in_part_is_written_again(
    store: Store, project: Project, index: RecordingIndex
) -> None:
    objects = put(store, project, 1)
    store.objects.put(segment_key(project.id, 1), io.BytesIO(b"\x89CRN"), 4)

    Indexer(store).run_once()

    with store.objects.open(segment_key(project.id, 1)) as file:
        kept = decode_segment(file.read(), project.id, 1)
    assert [fault.object for fault in kept.faults] == objects
    assert indexed(index.segments) == objects
