"""Which groups are open again, since when, and what had closed them."""

from __future__ import annotations

from coresnap.store.api.group_reopenings import ReopenedGroup
from coresnap.store.api.groups import State
from coresnap.store.api.until import CountUntil
from coresnap.store.groups.reopened import reopened_groups
from store.groups.world import NOW, World, bug


def reopened(world: World, since: int = 0, limit: int = 100) -> list[ReopenedGroup]:
    with world.state.read() as connection:
        found = reopened_groups(connection, world.project, since, limit)
    return list(found.groups)


def reopen(world: World, kind: int) -> int:
    """Resolve a bug, let a later version have it, and return when that was."""
    world.note(kind, version="1.0")
    world.change(kind, state=State.RESOLVED)
    assert world.note(kind, version="1.1").is_regression
    return world.now


def test_a_regression_says_when_and_by_what_it_was_opened(world: World) -> None:
    world.note(1)
    when = reopen(world, 0)
    (found,) = reopened(world)
    assert (found.group, found.time, found.before) == (bug(0), when, "resolved")
    assert 'version "1.1" > "1.0"' in found.why


def test_an_ended_mute_is_no_regression(world: World) -> None:
    world.note()
    world.change(state=State.MUTED, until=(CountUntil(1),))
    world.note()
    (found,) = reopened(world)
    assert found.before == State.MUTED


def test_what_closed_a_group_the_last_time_counts(world: World) -> None:
    reopen(world, 0)
    world.change(state=State.MUTED, until=(CountUntil(1),))
    assert reopened(world) == []
    world.note()
    (found,) = reopened(world)
    assert (found.before, found.time) == (State.MUTED, world.now)


def test_what_somebody_works_on_is_still_a_regression(world: World) -> None:
    reopen(world, 0)
    world.change(assignee="kim")
    assert world.group().state == State.IN_PROGRESS
    assert len(reopened(world)) == 1


def test_groups_that_somebody_opened_were_not_reopened(world: World) -> None:
    world.note()
    world.change(state=State.RESOLVED)
    world.change(state=State.OPEN)
    assert reopened(world) == []


def test_the_latest_come_first_and_those_before_are_left_out(world: World) -> None:
    times = [reopen(world, kind) for kind in (0, 1, 2)]
    assert times[0] > NOW
    groups = [one.group for one in reopened(world)]
    assert groups == [bug(2), bug(1), bug(0)]
    assert [one.group for one in reopened(world, since=times[1])] == [bug(2), bug(1)]
    assert [one.group for one in reopened(world, limit=1)] == [bug(2)]


def test_a_group_that_is_part_of_another_one_is_left_out(world: World) -> None:
    reopen(world, 0)
    world.note(1)
    world.merge(1, 0)
    assert reopened(world) == []
