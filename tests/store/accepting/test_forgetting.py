"""A body that is dropped leaves its fault; a fault that is forgotten leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.forgetting import drop_bodies, forget
from coresnap.store.accepting.queue import unassigned
from coresnap.store.accepting.rows import FaultRow, find_fault
from coresnap.store.access.projects import ensure_project
from coresnap.store.objects.contract import Objects
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import Body
from coresnap.store.store import Store
from store.arrivals import Sent, make_sent

if TYPE_CHECKING:
    from coresnap.store.index.contract import Index


@pytest.fixture
def store(state: State, objects: Objects) -> Store:
    return Store(state, objects, cast("Index", None))  # nothing here asks it


def put(store: Store, project: Project, number: int) -> Sent:
    sent = make_sent(number)
    accept(store, project, sent.arrival, sent.staged)
    return sent


def row_of(store: Store, project: Project, sent: Sent) -> FaultRow | None:
    with store.state.read() as connection:
        return find_fault(connection, project, sent.arrival.object)


def bodies(store: Store, project: Project) -> int:
    return len(list(store.objects.list(f"{project.id}/faults/")))


def test_a_fault_without_its_body_still_counts_and_is_not_taken_again(
    store: Store, project: Project
) -> None:
    sent, other = put(store, project, 1), put(store, project, 2)

    dropped = drop_bodies(store, project, [sent.arrival.object, "0" * 32], "tried")

    assert (dropped.count, dropped.size) == (1, sent.arrival.size)
    row = row_of(store, project, sent)
    assert row is not None
    assert (row.body, row.size) == (Body.DROPPED, 0)
    assert bodies(store, project) == 1
    assert accept(store, project, sent.arrival, sent.staged).is_duplicate
    assert drop_bodies(store, project, [sent.arrival.object], "tried").count == 0
    other_row = row_of(store, project, other)
    assert other_row is not None
    assert other_row.body is Body.KEPT


def test_a_fault_that_is_forgotten_can_come_again_as_a_new_one(
    store: Store, project: Project
) -> None:
    sent = put(store, project, 1)

    assert forget(store, project, [sent.arrival.object, "0" * 32]) == 1

    assert row_of(store, project, sent) is None
    assert bodies(store, project) == 0
    with store.state.read() as connection:
        waiting = unassigned(connection, project.id, 10)
    assert [entry.removed for entry in waiting] == [(), (sent.arrival.object,)]
    again = accept(store, project, sent.arrival, sent.staged)
    assert not again.is_duplicate
    row = row_of(store, project, sent)
    assert row is not None
    assert row.sequence > 1


def test_an_object_of_another_project_cannot_be_reached(
    store: Store, project: Project
) -> None:
    sent = put(store, project, 1)
    with store.state.write() as connection:
        other = ensure_project(connection, "cf", "other")

    assert drop_bodies(store, other, [sent.arrival.object], "tried").count == 0
    assert forget(store, other, [sent.arrival.object]) == 0

    assert row_of(store, project, sent) is not None
    assert bodies(store, project) == 1
