"""A snapshot becomes one fault, once, and not before everything is durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import func, select

from coresnap.errors import ConflictError
from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.queue import backlog, unassigned
from coresnap.store.accepting.rows import find_fault
from coresnap.store.objects.contract import Objects
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import FAULTS
from coresnap.store.store import Store
from store.arrivals import make_sent

if TYPE_CHECKING:
    from coresnap.store.index.contract import Index


@pytest.fixture
def store(state: State, objects: Objects) -> Store:
    return Store(state, objects, cast("Index", None))  # nothing here asks it


def keys(store: Store, project: Project) -> list[str]:
    return sorted(stored.key for stored in store.objects.list(f"{project.id}/faults/"))


def count(store: Store) -> int:
    with store.state.read() as connection:
        return connection.execute(select(func.count()).select_from(FAULTS)).scalar_one()


def test_a_snapshot_is_a_fault_with_a_body_and_waits_for_the_index(
    store: Store, project: Project
) -> None:
    sent = make_sent(1)

    accepted = accept(store, project, sent.arrival, sent.staged)

    assert accepted.object == sent.arrival.object
    assert not accepted.is_duplicate
    with store.state.read() as connection:
        row = find_fault(connection, project, sent.arrival.object)
        [waiting] = unassigned(connection, project.id, 10)
    assert row is not None
    with store.objects.open(row.key) as body:
        assert body.read() == sent.body
    assert waiting.fault is not None
    assert waiting.fault.sequence == row.sequence == 1
    assert waiting.fault.attributes["object"] == sent.arrival.object
    assert waiting.fault.attributes["hostname"] == "host1"
    assert backlog(store.state).depth == 1


def test_the_same_object_with_the_same_bytes_is_one_fault(
    store: Store, project: Project
) -> None:
    sent = make_sent(1)
    accept(store, project, sent.arrival, sent.staged)

    again = accept(store, project, sent.arrival, sent.staged)

    assert again.is_duplicate
    assert count(store) == 1
    assert backlog(store.state).depth == 1


def test_other_bytes_of_the_same_object_are_refused_and_leave_nothing(
    store: Store, project: Project
) -> None:
    first, second = make_sent(1), make_sent(1, body=b"other")
    accept(store, project, first.arrival, first.staged)
    before = keys(store, project)

    with pytest.raises(ConflictError):
        accept(store, project, second.arrival, second.staged)

    assert keys(store, project) == before
    assert backlog(store.state).depth == 1


def test_a_replaced_fault_keeps_its_sequence_and_has_the_new_body_alone(
    store: Store, project: Project
) -> None:
    first, second = make_sent(1), make_sent(1, body=b"other")
    accept(store, project, first.arrival, first.staged)
    other = make_sent(2)
    accept(store, project, other.arrival, other.staged)

    accept(store, project, second.arrival, second.staged, replace=True)

    with store.state.read() as connection:
        row = find_fault(connection, project, first.arrival.object)
        waiting = unassigned(connection, project.id, 10)
    assert row is not None
    assert row.sequence == 1
    assert [w.fault.sequence for w in waiting if w.fault] == [1, 2, 1]
    with store.objects.open(row.key) as body:
        assert body.read() == b"other"
    assert len(keys(store, project)) == 2
    assert count(store) == 2
