"""The workflow against a model of a few lines, whatever is done in whatever order."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.store.access.projects import ensure_project
from coresnap.store.api.groups import Link, State
from coresnap.store.api.until import CountUntil, VersionUntil
from store.groups.world import World

_VERSIONS = st.integers(1, 6)
_STEPS = st.one_of(
    st.tuples(st.just("fault"), _VERSIONS),
    st.tuples(st.just("resolve"), _VERSIONS),
    st.tuples(st.just("resolve now"), st.just(0)),
    st.tuples(st.just("mute"), st.integers(1, 3)),
    st.tuples(st.just("open"), st.just(0)),
    st.tuples(st.just("assign"), st.booleans()),
    st.tuples(st.just("ticket"), st.booleans()),
)


class Model:
    """What a group's state is, said as plainly as it can be."""

    def __init__(self) -> None:
        self.state = "open"
        self.latest = 0
        self.count = 0
        self.reopened = 0
        self.assigned = self.ticket = False
        self.bound, self.left = 0, 0

    def fault(self, version: int) -> bool:
        self.count += 1
        ends = self.state == "resolved" and version >= self.bound
        if self.state == "muted":
            self.left -= 1
            ends = self.left == 0
        self.latest = max(self.latest, version)
        was = self.state
        if ends:
            self.state = "open"
            self.reopened += 1
        return ends and was == "resolved"

    def follow(self) -> None:
        if self.state in ("open", "in-progress"):
            is_worked_on = self.assigned or self.ticket
            self.state = "in-progress" if is_worked_on else "open"


def _do(world: World, model: Model, step: tuple[str, Any]) -> None:
    name, value = step
    if name == "fault":
        expected = model.fault(value)
        noted = world.note(0, version=f"{value}.0")
        assert noted.is_regression == expected
    elif name == "resolve":
        world.change(0, state=State.RESOLVED, until=(VersionUntil(f"{value}.0"),))
        model.state, model.bound = "resolved", value
    elif name == "resolve now":
        world.change(0, state=State.RESOLVED)
        model.state, model.bound = "resolved", model.latest + 1
    elif name == "mute":
        before = world.group(0)
        world.change(0, state=State.MUTED, until=(CountUntil(value),))
        is_same = before.state == "muted" and before.until == (CountUntil(value),)
        if not is_same:  # what is so already counts on
            model.state, model.left = "muted", value
    elif name == "open":
        world.change(0, state=State.OPEN)
        model.state = "open"
    elif name == "assign" and value != model.assigned:
        world.change(0, assignee="kim" if value else "")
        model.assigned = value
        model.follow()
    elif name == "ticket" and value != model.ticket:
        link = Link("T-1", "https://tickets.example/1")
        if value:
            world.change(0, add_link=link)
        else:
            world.change(0, remove_link="T-1")
        model.ticket = value
        model.follow()


def test_states_are_those_of_the_model(world: World) -> None:
    numbers = itertools.count()

    @settings(max_examples=40, deadline=None)
    @given(st.lists(_STEPS, max_size=20))
    def check(steps: list[tuple[str, Any]]) -> None:
        with world.state.write() as connection:
            project = ensure_project(connection, "cf", f"m{next(numbers)}")
        own, model = World(world.state, project), Model()
        _do(own, model, ("fault", 1))
        for step in steps:
            _do(own, model, step)
            group = own.group(0)
            assert (group.state, group.count, group.reopened) == (
                model.state,
                model.count,
                model.reopened,
            )

    check()
