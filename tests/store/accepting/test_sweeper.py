"""What nothing refers to is swept up, what is missing is told; nothing else goes."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, cast

import pytest

from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.rows import find_fault
from coresnap.store.accepting.sweeper import PARTS, Sweeper, sweep
from coresnap.store.objects.contract import Objects
from coresnap.store.objects.keys import body_key
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.store import Store
from store.arrivals import make_sent

if TYPE_CHECKING:
    from coresnap.store.index.contract import Index

LATER = 2 * 3600


@pytest.fixture
def store(state: State, objects: Objects) -> Store:
    return Store(state, objects, cast("Index", None))  # nothing here asks it


def orphan(store: Store, project: Project, object_id: str) -> str:
    key = body_key(project.id, object_id, "00" * 8)
    store.objects.put(key, io.BytesIO(b"orphan"), 6)
    return key


def keys(store: Store, project: Project) -> set[str]:
    return {stored.key for stored in store.objects.list(f"{project.id}/faults/")}


def key_of(store: Store, project: Project, object_id: str) -> str:
    with store.state.read() as connection:
        row = find_fault(connection, project, object_id)
    assert row is not None
    return row.key


def test_an_old_body_that_nothing_refers_to_is_removed_and_no_other(
    store: Store, project: Project
) -> None:
    sent = make_sent(1)
    accept(store, project, sent.arrival, sent.staged)
    # Another upload of the same object, and one of an object that never was.
    orphan(store, project, sent.arrival.object)
    orphan(store, project, "f" * 32)

    swept = [
        sweep(store, project, part, now=time.time() + LATER) for part in range(PARTS)
    ]

    assert sum(one.removed for one in swept) == 2
    assert not any(one.missing for one in swept)
    assert keys(store, project) == {key_of(store, project, sent.arrival.object)}


def test_a_young_body_may_still_become_a_fault(store: Store, project: Project) -> None:
    key = orphan(store, project, "f" * 32)

    assert sweep(store, project, 0xFF).removed == 0

    assert keys(store, project) == {key}


def test_a_body_that_is_gone_is_told_and_the_fault_stays(
    store: Store, project: Project
) -> None:
    sent = make_sent(1)
    accept(store, project, sent.arrival, sent.staged)
    key = key_of(store, project, sent.arrival.object)
    store.objects.remove(key)
    part = int(sent.arrival.object[:2], 16)

    assert sweep(store, project, part, now=time.time() + LATER).missing == (key,)
    assert sweep(store, project, part).missing == ()  # it may have come since

    assert key_of(store, project, sent.arrival.object) == key


def test_all_parts_of_all_projects_come_in_turn(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Project, int]] = []
    monkeypatch.setattr(
        "coresnap.store.accepting.sweeper.sweep",
        lambda store, project, part: seen.append((project, part)),
    )
    sweeper = Sweeper(store)

    for _ in range(PARTS + 1):
        sweeper.run_once()

    assert len(set(seen)) == PARTS
    assert seen[-1] == seen[0]
