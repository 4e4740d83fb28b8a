"""The clock that ages are counted by."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from coresnap.daemon.clock import LEAP, PATIENCE, PatientClock

HOUR = 3600 * 10**9
YEAR = 365 * 24 * HOUR
START = 50 * YEAR


@attrs.define
class World:
    """A wall clock that can be set, and time that passes."""

    wall: int = START
    passed: int = 0

    def clock(self) -> PatientClock:
        return PatientClock(lambda: self.wall, lambda: self.passed)

    def wait(self, time: int) -> None:
        self.wall += time
        self.passed += time


def test_it_is_the_wall_clock_while_that_runs_as_time_does() -> None:
    world = World()
    clock = world.clock()

    for _ in range(50):
        assert clock.now() == world.wall
        world.wait(HOUR)


def test_a_leap_forward_counts_when_it_has_lasted() -> None:
    world = World()
    clock = world.clock()
    clock.now()
    world.wall += 70 * YEAR
    world.wait(HOUR)

    assert clock.now() == START + HOUR
    world.wait(PATIENCE - 1)
    assert clock.now() == START + HOUR + PATIENCE - 1
    world.wait(1)
    assert clock.now() == world.wall


def test_a_leap_that_was_taken_back_never_counted() -> None:
    world = World()
    clock = world.clock()
    clock.now()
    world.wall += 70 * YEAR
    assert clock.now() == START
    world.wall -= 70 * YEAR
    world.wait(2 * PATIENCE)

    assert clock.now() == START + 2 * PATIENCE
    world.wall += 70 * YEAR
    assert clock.now() == START + 2 * PATIENCE


def test_a_leap_back_counts_at_once() -> None:
    world = World()
    clock = world.clock()
    clock.now()
    world.wall -= 20 * YEAR

    assert clock.now() == world.wall
    world.wait(HOUR)
    assert clock.now() == world.wall


@given(st.lists(st.tuples(st.integers(0, HOUR), st.integers(-YEAR, YEAR)), max_size=20))
def test_it_is_never_ahead_of_the_wall_nor_faster_than_time(
    steps: list[tuple[int, int]],
) -> None:
    world = World()
    clock = world.clock()
    before = clock.now()
    for passed, set_by in steps:
        world.wait(passed)
        world.wall += set_by
        now = clock.now()
        assert now <= world.wall
        if world.passed < PATIENCE:
            assert now <= before + passed + LEAP
        before = now
