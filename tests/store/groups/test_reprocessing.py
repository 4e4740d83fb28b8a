"""Fingerprints are made again: what it would do is said first, and groups go along."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import pytest
from sqlalchemy import insert, select, update

from coresnap.errors import ConflictError
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import add_fault
from coresnap.store.api.groups import State
from coresnap.store.api.reprocessing import Refingerprinted, ReprocessingPlan
from coresnap.store.groups.history import Author
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.groups.reprocessing import apply_some, discard, plan, stage
from coresnap.store.index.contract import Index
from coresnap.store.objects.contract import Objects
from coresnap.store.query.query import Query
from coresnap.store.state.tables.faults import FAULTS, Body
from coresnap.store.store import Store
from store.groups.world import World, bug


class Reprocessing:
    """A world whose faults are in state and index."""

    def __init__(self, world: World, index: Index, objects: Objects) -> None:
        self.world = world
        self.store = Store(world.state, objects, index)

    def put(self, kind: int, body: Body = Body.KEPT) -> str:
        self.world.note(kind)
        fault = self.world.faults.pop()
        row: dict[str, Any] = {
            "project": self.world.project.id,
            "sequence": fault.sequence,
            "object": fault.object,
            "fingerprint": fault.fingerprint,
            "digest": hashlib.sha256(fault.object.encode()).hexdigest(),
            "upload": "00" * 8,
            "size": 1,
            "body": body,
            "time": fault.time,
            "received": fault.received,
        }
        attributes = {**fault.attributes, "fingerprint.version": 1}
        with self.world.state.write() as connection:
            connection.execute(insert(FAULTS), row)
            columns = {"attributes": attributes}
            add_fault(connection, self.world.project.id, _evolved(fault, columns))
        return fault.object

    def stage(self, new: int, *objects: str) -> ReprocessingPlan:
        faults = [
            Refingerprinted(
                object=one,
                fingerprint=bug(new),
                ruleset=2,
                title=f"simple new{new}",
                callstack=(f"new{new}",),
                attributes={"fingerprint.version": 2, "callstack": f"new{new}"},
            )
            for one in objects
        ]
        with self.world.state.write() as connection:
            stage(connection, self.world.project, faults)
            return plan(connection, self.world.project)

    def apply(self, seconds: float = 60.0) -> tuple[int, int]:
        Indexer(self.store).run_once()
        author = Author("kim", "rules 2", self.world.now)
        return apply_some(self.store, self.world.project, author, seconds)

    def indexed(self) -> list[tuple[Any, ...]]:
        Indexer(self.store).run_once()
        sync_groups(self.store, self.world.project)
        query = Query(select=("group", "fingerprint", "callstack", "hostname"))
        result = self.store.index.query(self.world.project.id, query, self.world.known)
        return sorted(cast("Any", row.values[:3]) for row in result.rows)


def _evolved(fault: Any, changes: dict[str, Any]) -> Any:  # noqa: ANN401
    import msgspec

    return msgspec.structs.replace(fault, **changes)


@pytest.fixture
def it(world: World, index: Index, objects: Objects) -> Reprocessing:
    return Reprocessing(world, index, objects)


def test_a_group_goes_with_its_faults_and_keeps_everything(it: Reprocessing) -> None:
    objects = [it.put(0) for _ in range(3)]
    it.world.change(0, state=State.RESOLVED, add_tags=("net",))
    planned = it.stage(10, *objects)
    assert (planned.faults, planned.groups_before, planned.groups_after) == (3, 1, 1)
    assert it.world.group(0).count == 3

    assert it.apply() == (3, 0)
    group = it.world.group(10)
    assert it.world.group(0) == group
    assert (group.id, group.state, group.tags) == (bug(0), "resolved", ("net",))
    assert (group.count, group.fingerprints[0].fingerprint) == (3, bug(10))
    line = group.history[-1]
    assert (line.what, line.who, line.why) == ("reprocess", "kim", "rules 2")
    assert it.indexed() == [(bug(0), bug(10), "new10")] * 3
    assert it.world.note(10).group == bug(0)


def test_groups_that_become_one_are_said_before_and_found_by_both_ids(
    it: Reprocessing,
) -> None:
    objects = [it.put(kind) for kind in (0, 0, 1, 2)]
    planned = it.stage(10, *objects)
    assert (planned.faults, planned.groups_before, planned.groups_after) == (4, 3, 1)
    assert it.indexed() == sorted(
        (bug(k), bug(k), f"fail{k}\nmain") for k in (0, 0, 1, 2)
    )

    it.apply()
    whole = it.world.group(10)
    assert (whole.id, whole.count) == (bug(0), 4)
    assert it.world.group(1).id == it.world.group(2).id == bug(0)
    assert whole.merged == tuple(sorted((bug(1), bug(2))))
    assert {row[0] for row in it.indexed()} == {bug(0)}


def test_a_group_that_splits_goes_with_the_most_of_it(it: Reprocessing) -> None:
    objects = [it.put(0) for _ in range(5)]
    it.world.change(0, assignee="kim")
    it.stage(10, *objects[:2])
    planned = it.stage(11, *objects[2:])
    assert (planned.groups_before, planned.groups_after) == (1, 2)

    it.apply()
    assert (it.world.group(11).id, it.world.group(11).count) == (bug(0), 3)
    assert it.world.group(11).assignee == "kim"
    new = it.world.group(10)
    assert (new.id, new.count, new.state, new.title) == (
        bug(10),
        2,
        "open",
        "simple new10",
    )
    assert new.first_seen > 0


def test_work_that_is_stopped_goes_on_where_it_was(it: Reprocessing) -> None:
    objects = [it.put(0) for _ in range(250)]
    it.stage(10, *objects[:90])
    it.stage(11, *objects[90:])

    assert it.apply(seconds=0) == (100, 150)
    with pytest.raises(ConflictError, match="being put into use"):
        it.stage(12, *objects)
    with it.world.state.read() as connection:
        assert plan(connection, it.world.project).is_begun
    assert it.apply() == (150, 0)
    assert (it.world.group(10).count, it.world.group(11).count) == (90, 160)
    assert it.world.group(11).id == bug(0)
    it.stage(12, *objects[:1])  # again possible


def test_faults_without_a_snapshot_go_where_all_others_go(it: Reprocessing) -> None:
    kept = it.put(0)
    it.put(0, Body.SUMMARY)
    it.put(0, Body.DROPPED)
    one, other = it.put(1), it.put(1)
    left = it.put(1, Body.DROPPED)
    it.stage(10, kept)
    it.stage(11, one)
    it.stage(12, other)

    it.apply()
    assert it.world.group(10).count == 3
    with it.world.state.read() as connection:
        stays = connection.execute(
            select(FAULTS.c.fingerprint).where(FAULTS.c.object == left)
        ).scalar_one()
    assert stays == bug(1)


def test_a_fault_that_was_replaced_meanwhile_stays_as_it_is(it: Reprocessing) -> None:
    objects = [it.put(0), it.put(0)]
    it.stage(10, *objects)
    with it.world.state.write() as connection:
        connection.execute(
            update(FAULTS)
            .where(FAULTS.c.object == objects[0])
            .values(fingerprint=bug(5))
        )

    assert it.apply() == (1, 0)


def test_what_stays_the_same_or_is_discarded_changes_nothing(it: Reprocessing) -> None:
    one = it.put(0)
    assert it.stage(0, one).faults == 0
    assert it.stage(10, one).faults == 1
    assert it.stage(0, one).faults == 0  # it was read once more
    assert it.stage(10, one, "ab" * 16).faults == 1
    with it.world.state.write() as connection:
        discard(connection, it.world.project)
    assert it.apply() == (0, 0)
    assert it.world.group(0).history == ()


def test_faults_that_came_by_the_new_rules_join_the_older_group(
    it: Reprocessing,
) -> None:
    old = it.put(0)
    it.world.change(0, add_tags=("old",))
    it.put(10)
    it.stage(10, old)

    it.apply()
    assert (it.world.group(10).id, it.world.group(10).count) == (bug(0), 2)
    assert it.world.group(10).tags == ("old",)
