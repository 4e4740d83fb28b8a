"""Policies remove what they say, keep what they promise, and say why it is gone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import update

from coresnap.errors import MissingError, UsageError
from coresnap.snapshot.container import read_snapshot
from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.rows import find_fault
from coresnap.store.access.audit import list_audit
from coresnap.store.api.retention import (
    Action,
    Level,
    Outcome,
    RetentionPolicy,
    RetentionRule,
)
from coresnap.store.api.sampling import SamplingRule, Step
from coresnap.store.attachments import keeping as attachments
from coresnap.store.attributes.known import known
from coresnap.store.index.rebuild import rebuild
from coresnap.store.query.query import Query
from coresnap.store.retention import runs
from coresnap.store.retention.planning import plan
from coresnap.store.retention.policies import (
    check_policy,
    find_policy,
    set_project_policy,
    set_universe_policy,
)
from coresnap.store.retention.removals import no_body
from coresnap.store.retention.running import Instance, apply_to
from coresnap.store.retention.status import retention_status
from coresnap.store.sampling.rules import set_rule
from coresnap.store.state.tables.faults import FAULTS
from coresnap.store.state.tables.queue import SEGMENTS
from snapshot import specimens
from store.arrivals import make_sent
from store.retention.world import DAY, NOW, World, some_snapshot

DROP = RetentionRule(Action.DROP_BODY, age=30 * DAY)
FORGET = RetentionRule(Action.FORGET, age=100 * DAY)
COMPRESS = RetentionRule(Action.COMPRESS, age=10 * DAY)


def last(world: World) -> Outcome:
    with world.store.state.read() as connection:
        return retention_status(connection, world.project, NOW).last


def test_without_a_policy_everything_is_kept(world: World) -> None:
    old = [world.put(days=5000) for _ in range(3)]

    assert world.run_all()
    assert world.left(*old) == [True] * 3


def test_bodies_go_by_age_and_the_faults_stay(world: World) -> None:
    world.policy(DROP)
    first, old, young = (world.put(days=days) for days in (60, 31, 29))

    assert world.run()

    assert world.left(first, old, young) == [True, False, True]
    assert world.is_known(old)
    assert last(world).dropped == 1
    assert last(world).freed == len("snapshot 2")
    assert world.keys() == world.referred()


def test_who_asks_for_a_body_that_went_is_told_when_and_why(world: World) -> None:
    world.policy(DROP)
    _, old = world.put(days=60), world.put(days=60)
    world.run()

    with world.store.state.read() as connection:
        row = find_fault(connection, world.project, old)
        assert row is not None
        error = no_body(connection, world.project, row)
    assert isinstance(error, MissingError)
    assert str(error) == (
        f"the snapshot of fault {old} is not kept any more since "
        "2023-11-14 22:13:20 UTC: retention: drop bodies after 30d"
    )


def test_the_first_body_of_a_group_stays_unless_asked_for(world: World) -> None:
    firsts = [world.put(kind, days=60) for kind in range(3)]
    world.set_state("resolved", kind=1)
    world.set_state("resolved", kind=2, assignee="ada")
    world.policy(DROP)
    world.run()
    assert world.left(*firsts) == [True] * 3

    world.policy(RetentionRule(Action.DROP_BODY, age=30 * DAY, last_body=True))
    world.run()
    # One is open, the last is somebody's.
    assert world.left(*firsts) == [True, False, True]


def test_bodies_go_by_size_the_oldest_first(world: World) -> None:
    body = b"x" * 1000
    objects = [
        world.put(kind, body=body + b"%d" % n) for n, kind in enumerate((0, 0, 1, 2))
    ]
    world.policy(RetentionRule(Action.DROP_BODY, size=3500))

    world.run()

    assert world.left(*objects) == [True, False, True, True]


def test_when_nothing_else_is_left_first_bodies_go_the_open_ones_last(
    world: World,
) -> None:
    body = b"x" * 1000
    opened, resolved, more = (
        world.put(kind, body=body + b"%d" % n) for n, kind in enumerate((0, 1, 1))
    )
    world.set_state("resolved", kind=1)

    world.policy(RetentionRule(Action.DROP_BODY, size=0))
    world.run()
    assert world.left(opened, resolved, more) == [True, True, False]

    world.policy(RetentionRule(Action.DROP_BODY, size=1500, last_body=True))
    world.run()
    assert world.left(opened, resolved) == [True, False]

    world.policy(RetentionRule(Action.DROP_BODY, size=0, last_body=True))
    world.run()
    assert world.left(opened) == [False]


def test_the_first_and_last_bodies_of_each_fingerprint_are_kept(world: World) -> None:
    many = [world.put() for _ in range(10)]
    few = [world.put(1) for _ in range(3)]
    world.policy(RetentionRule(Action.DROP_BODY, first=2, last=1))

    world.run()

    assert world.left(*many) == [True, True, *[False] * 7, True]
    assert world.left(*few) == [True] * 3


def test_compressed_bodies_read_as_before_in_fewer_bytes(world: World) -> None:
    body = some_snapshot()
    old, young = world.put(days=11, body=body), world.put(days=9, body=body + b"")
    world.policy(COMPRESS)

    world.run()

    smaller = world.body(old)
    assert smaller is not None
    assert len(smaller) < len(body)
    assert world.body(young) == body
    assert last(world).compressed == 1
    assert last(world).freed == len(body) - len(smaller)
    assert world.keys() == world.referred()
    with world.store.state.read() as connection:
        status = retention_status(connection, world.project, NOW)
    assert (status.bodies, status.size) == (2, len(body) + len(smaller))

    world.run()  # once is enough
    assert world.body(old) == smaller


def test_what_cannot_be_compressed_stays_as_it_is(world: World) -> None:
    old = world.put(days=11, body=b"no snapshot")
    world.policy(COMPRESS)

    world.run()

    assert world.body(old) == b"no snapshot"


def test_a_compressed_body_is_the_same_snapshot(world: World, tmp_path: Path) -> None:
    old = world.put(days=11, body=some_snapshot())
    world.policy(COMPRESS)
    world.run()

    path = tmp_path / "compressed.csnap"
    path.write_bytes(world.body(old) or b"")
    assert read_snapshot(path) == specimens.full()


def found(world: World) -> int:
    with world.store.state.read() as connection:
        attributes = known(connection, world.project)
    return world.store.index.query(world.project.id, Query(), attributes).faults


def test_old_faults_are_forgotten_by_state_index_and_objects(world: World) -> None:
    indexer = Indexer(world.store)
    old = [world.put(days=0) for _ in range(3)]
    indexer.run_once()
    young = world.put(days=0)
    indexer.run_once()
    assert found(world) == 4
    # Everything that is there was received now, by the store's clock.
    later = int(time.time()) + 200 * DAY
    with world.store.state.write() as connection:
        connection.execute(
            update(FAULTS).where(FAULTS.c.object == young).values(received=later - DAY)
        )
        connection.execute(
            update(SEGMENTS).where(SEGMENTS.c.number == 2).values(last_received=later)
        )
    world.policy(FORGET)

    assert world.run(later)

    assert [world.is_known(o) for o in (*old, young)] == [False] * 3 + [True]
    assert world.left(young) == [True]
    assert world.keys() == world.referred()
    assert found(world) == 0  # the index saw another time of reception
    segments = world.store.objects.list(f"{world.project.id}/segments/")
    assert len(list(segments)) == 1
    with world.store.state.read() as connection:
        status = retention_status(connection, world.project, later)
    assert status.last.forgotten == 3
    assert status.forgotten_before == (later - 100 * DAY) // DAY * DAY
    # An index that is made again misses nothing, and no segment.
    rebuilt = rebuild(world.store, world.project.id, lambda row: None)
    assert (rebuilt.segments, rebuilt.damaged, rebuilt.lost) == (1, (), 0)
    # The indexer goes on with the next number.
    world.put()
    indexer.run_once()
    assert world.store.index.written(world.project.id) == 3


def test_a_plan_says_what_a_run_does_and_does_nothing(world: World) -> None:
    for kind in (0, 1):
        for days in (200, 150, 60, 50, 20, 11, 5):
            world.put(kind, days=days, body=b"x" * 100 + b"%d" % days)
    crowd = RetentionRule(Action.DROP_BODY, first=1, last=1)
    size = RetentionRule(Action.DROP_BODY, size=250)
    world.policy(COMPRESS, DROP, size, crowd, FORGET)
    before = world.keys()

    planned = plan(world.store, world.project, NOW)

    assert world.keys() == before
    assert planned.level is Level.PROJECT
    by_rule = {one.rule: one.count for one in planned.planned}
    assert next(iter(by_rule)) == FORGET
    assert by_rule[FORGET] == 4
    world.run()
    done = last(world)
    assert done.forgotten == 4
    dropped = sum(by_rule[rule] for rule in (DROP, crowd, size))
    assert done.dropped == dropped > 0
    assert done.compressed == by_rule[COMPRESS]
    assert done.freed == sum(p.size for p in planned.planned if p.rule != COMPRESS)


def test_the_nearest_policy_holds_as_a_whole(world: World) -> None:
    instance = RetentionPolicy((DROP,))
    with world.store.state.write() as connection:
        assert find_policy(connection, world.project)[0] is Level.NONE
        assert find_policy(connection, world.project, instance) == (
            Level.INSTANCE,
            instance,
        )
        set_universe_policy(connection, "cf", RetentionPolicy((FORGET,)))
        assert find_policy(connection, world.project, instance)[0] is Level.UNIVERSE
        set_project_policy(connection, world.project, RetentionPolicy())
        level, policy = find_policy(connection, world.project, instance)
    assert (level, policy.rules) == (Level.PROJECT, ())
    old = [world.put(days=500), world.put(days=500)]
    world.run_all(instance=Instance(instance))
    assert world.left(*old) == [True, True]


def test_the_instance_s_policy_holds_where_there_is_no_other(world: World) -> None:
    old = [world.put(days=500), world.put(days=500)]
    world.run_all(instance=Instance(RetentionPolicy((DROP,))))
    assert world.left(*old) == [True, False]


def test_a_budget_ends_a_run_and_the_next_goes_on(world: World) -> None:
    objects = [world.put(days=60) for _ in range(250)]
    world.policy(DROP)
    moments = iter(range(1000))

    def clock() -> float:
        return next(moments)

    def run() -> bool:
        return apply_to(world.store, world.project, NOW, 1.5, Instance(), clock)

    assert not run()
    assert sum(world.left(*objects)) == 50
    with world.store.state.read() as connection:
        status = retention_status(connection, world.project, NOW)
    assert (status.started, status.finished) == (NOW, None)
    assert run()
    assert sum(world.left(*objects)) == 1
    assert last(world).dropped == 249


def test_what_a_run_removed_is_in_the_audit_log(world: World) -> None:
    for _ in range(3):
        world.put(days=60)
    world.policy(DROP)
    world.run()
    world.run(NOW + 1000)  # which finds nothing to do

    with world.store.state.read() as connection:
        entries = list_audit(connection, "cf", {})
    assert [(e.name, e.operation, e.project) for e in entries] == [
        ("coroner", "retention", "blackhole")
    ]
    assert entries[0].subject.startswith("0 compressed, 2 dropped, 0 forgotten")


def test_the_files_of_a_forgotten_fault_go_with_it(world: World) -> None:
    old, young = world.put(days=200), world.put(days=1)
    for object_id in (old, young):
        staged = make_sent(1).staged
        attachments.add(world.store, world.project, object_id, staged, "a", "", "me")
    prefix = f"{world.project.id}/attachments/"
    world.policy(FORGET)
    assert len(list(world.store.objects.list(prefix))) == 2
    before = world.kept_size()

    world.run()

    assert len(list(world.store.objects.list(prefix))) == 1
    assert world.kept_size() == before // 2


def test_one_server_runs_it_at_a_time_and_a_dead_one_s_lease_ends(
    world: World,
) -> None:
    old = [world.put(days=60), world.put(days=60)]
    world.policy(DROP)
    with world.store.state.write() as connection:
        assert runs.begin_run(connection, world.project, "other", NOW, 0)

    assert world.run(NOW + 1)
    assert world.left(*old) == [True, True]
    assert world.run(NOW + 1000)
    assert world.left(*old) == [True, False]


def test_a_nearly_full_disk_takes_the_oldest_bodies(world: World) -> None:
    body = b"x" * 1000
    objects = [world.put(0, body=body + b"%d" % n) for n in range(4)]
    asked = iter([1500, 1500, 0, 0])

    world.run_all(instance=Instance(shortage=lambda: next(asked)))

    assert world.left(*objects) == [True, False, False, True]


def test_sampled_faults_say_so_when_they_are_asked_for(world: World) -> None:
    with world.store.state.write() as connection:
        set_rule(connection, world.project, SamplingRule((Step(1, 0),)))
    world.put()
    sampled = world.put()

    with world.store.state.read() as connection:
        row = find_fault(connection, world.project, sampled)
        assert row is not None
        assert "sampling" in str(no_body(connection, world.project, row))


def test_a_fault_that_comes_again_after_its_body_went_is_not_stored_again(
    world: World,
) -> None:
    world.policy(DROP)
    world.put(days=60)
    old = world.put(days=60)
    world.run()
    sent = make_sent(2)
    assert sent.arrival.object == old

    assert accept(world.store, world.project, sent.arrival, sent.staged).is_duplicate
    assert world.left(old) == [False]


@pytest.mark.parametrize(
    "rule",
    [
        RetentionRule(Action.DROP_BODY),
        RetentionRule(Action.DROP_BODY, age=DAY, size=1),
        RetentionRule(Action.DROP_BODY, first=0, last=0),
        RetentionRule(Action.DROP_BODY, age=DAY, last=1),
        RetentionRule(Action.FORGET, size=1),
        RetentionRule(Action.COMPRESS, first=1),
        RetentionRule(Action.FORGET, age=DAY, last_body=True),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: RetentionRule) -> None:
    with pytest.raises(UsageError):
        check_policy(RetentionPolicy((rule,)))
