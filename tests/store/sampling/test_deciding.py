"""Bodies are kept by the project's rule; every fault counts, and nothing hides."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import attrs
import msgspec
import pytest

from coresnap.store.accepting.accept import accept
from coresnap.store.access.projects import ensure_project
from coresnap.store.api.faults import Question
from coresnap.store.api.sampling import SamplingRule, Step
from coresnap.store.fault import Value
from coresnap.store.objects.contract import Objects
from coresnap.store.project import Project
from coresnap.store.sampling.deciding import Keeping, answer, decide
from coresnap.store.sampling.rules import (
    clear_rule,
    find_rule,
    reset_buckets,
    sampled_of,
    sampling_status,
    set_rule,
)
from coresnap.store.state.state import State
from coresnap.store.store import Store
from store.arrivals import make_sent

if TYPE_CHECKING:
    from coresnap.store.index.contract import Index

NOW = 1_700_000_000


@attrs.frozen
class World:
    state: State
    project: Project

    def rule(self, *steps: tuple[int, int], **other: object) -> SamplingRule:
        rule = SamplingRule(tuple(Step(*step) for step in steps), **other)  # type: ignore[arg-type]
        with self.state.write() as connection:
            set_rule(connection, self.project, rule)
        return rule

    def decide(
        self,
        number: int,
        now: int = NOW,
        *,
        kind: int = 0,
        **attributes: Any,  # noqa: ANN401 - a Value, and no keyword of make_sent
    ) -> Keeping:
        arrival = make_sent(number, kind=kind, **attributes).arrival
        with self.state.write() as connection:
            return decide(connection, self.project, arrival, now)

    def sampled(self, kind: int = 0) -> int:
        fingerprint = make_sent(1, kind=kind).arrival.fingerprint
        with self.state.read() as connection:
            return sampled_of(connection, self.project, [fingerprint])


@pytest.fixture
def store(state: State, objects: Objects) -> Store:
    return Store(state, objects, cast("Index", None))  # nothing here asks it


@pytest.fixture
def world(state: State, project: Project) -> World:
    return World(state, project)


def test_without_a_rule_every_body_is_kept(world: World) -> None:
    assert [world.decide(n).kept for n in range(5)] == ["all"] * 5


def test_a_rule_keeps_the_first_of_each_kind_and_counts_the_rest(world: World) -> None:
    world.rule((2, 0))

    assert [world.decide(n).kept for n in range(5)] == ["all"] * 2 + ["summary"] * 3
    assert world.decide(9, kind=1) == Keeping("all", "the first of its kind")
    assert (world.sampled(), world.sampled(kind=1)) == (3, 0)


def test_what_is_not_kept_says_why(world: World) -> None:
    world.rule((1, 0))
    world.decide(1)
    world.decide(2)

    assert world.decide(3).reason == (
        "sampling kept 1 bodies of this kind, and this is the 2nd that it does not keep"
    )


def test_chosen_attributes_make_buckets_of_their_own(world: World) -> None:
    world.rule((1, 0), attributes=("dc",))

    kept = [world.decide(n, dc=dc).kept for n, dc in enumerate(["a", "b", "a", "b"])]
    assert kept == ["all", "all", "summary", "summary"]


def test_the_first_of_each_version_is_kept_whatever_the_steps_say(
    world: World,
) -> None:
    world.rule((1, 0), first_of=("version",))

    kept = [world.decide(n, version=v) for n, v in enumerate(["1", "1", "2", "2", "1"])]
    assert [k.kept for k in kept] == ["all", "summary", "all", "summary", "summary"]
    assert kept[2].reason == "the first of its kind with this version"


def test_a_kind_is_not_hidden_for_good(world: World) -> None:
    world.rule((1, 0), reset=3600)
    for n in range(10):
        world.decide(n)

    assert world.decide(11, NOW + 3599).kept == "summary"
    assert world.decide(12, NOW + 3600).kept == "all"


def test_only_so_many_buckets_are_remembered_and_the_oldest_goes(
    world: World,
) -> None:
    world.rule((1, 0), buckets=3)
    for kind in range(4):
        world.decide(kind, NOW + kind, kind=kind)

    with world.state.read() as connection:
        assert sampling_status(connection, world.project).count == 3
    # The first one was forgotten: its next body is kept once more.
    assert world.decide(5, NOW + 5, kind=3).kept == "summary"
    assert world.decide(6, NOW + 6, kind=0).kept == "all"


def test_another_project_has_rules_and_buckets_of_its_own(world: World) -> None:
    world.rule((1, 0))
    world.decide(1)
    with world.state.write() as connection:
        other = ensure_project(connection, "cf", "other")
        assert find_rule(connection, other) is None
        set_rule(connection, other, SamplingRule((Step(1, 0),)))

    assert World(world.state, other).decide(1).kept == "all"


def test_a_reset_lets_one_kind_or_all_begin_again(world: World) -> None:
    world.rule((1, 0))
    for kind in (0, 0, 1, 1):
        world.decide(1, kind=kind)

    with world.state.write() as connection:
        fingerprint = make_sent(1).arrival.fingerprint
        assert reset_buckets(connection, world.project, fingerprint) == 1
    assert world.decide(3).kept == "all"
    assert world.decide(3, kind=1).kept == "summary"
    with world.state.write() as connection:
        assert reset_buckets(connection, world.project) == 2
    assert world.decide(4, kind=1).kept == "all"


def test_after_clearing_every_body_is_kept(world: World) -> None:
    world.rule((1, 0))
    world.decide(1)
    with world.state.write() as connection:
        clear_rule(connection, world.project)

    assert world.decide(2).kept == "all"


def test_status_says_what_is_kept_next(world: World) -> None:
    rule = world.rule((1, 0), (5, 60), attributes=("dc",))
    for n in range(3):
        world.decide(n, NOW + n, dc="moon")

    with world.state.read() as connection:
        status = sampling_status(connection, world.project)
    assert (status.rule, status.sampled) == (rule, 2)
    (bucket,) = status.buckets
    assert bucket.values == ("moon",)
    assert (bucket.kept, bucket.sampled) == (1, 2)
    assert (bucket.last, bucket.next) == (NOW, NOW + 60)


def question(number: int, **attributes: Value) -> Question:
    arrival = make_sent(number).arrival
    return Question(arrival.object, arrival.fingerprint, arrival.size, attributes)


def test_asking_says_what_is_wanted_and_changes_nothing(world: World) -> None:
    world.rule((1, 0))

    def ask(number: int) -> str:
        with world.state.read() as connection:  # which cannot write
            return answer(connection, world.project, question(number), NOW).wanted

    assert [ask(1), ask(2), ask(3)] == ["all"] * 3
    world.decide(1)
    assert [ask(2), ask(3)] == ["summary"] * 2
    assert world.sampled() == 0


def test_a_fault_that_is_there_is_not_wanted_again(world: World, store: Store) -> None:
    sent = make_sent(1)
    accept(store, world.project, sent.arrival, sent.staged)

    with world.state.read() as connection:
        wish = answer(connection, world.project, question(1))
        assert wish.wanted == "nothing"
        assert answer(connection, world.project, question(2)).wanted == "all"


def test_accepting_keeps_no_body_that_sampling_refuses(
    world: World, store: Store
) -> None:
    world.rule((1, 0))

    answers = []
    for n in range(3):
        sent = make_sent(n)
        answers.append(accept(store, world.project, sent.arrival, sent.staged).stored)

    assert answers == ["all", "summary", "summary"]
    assert len(list(store.objects.list(f"{world.project.id}/faults/"))) == 1


def test_several_servers_keep_no_more_than_the_schedule(
    world: World, store: Store
) -> None:
    world.rule((3, 0))
    url = world.state.engine.url.render_as_string(hide_password=False)
    others = [State(url) for _ in range(3)]
    stored: list[str] = []

    def work(state: State, first: int) -> None:
        own = attrs.evolve(store, state=state)
        for n in range(first, first + 10):
            sent = make_sent(n)
            stored.append(accept(own, world.project, sent.arrival, sent.staged).stored)

    threads = [
        threading.Thread(target=work, args=(state, 100 * number))
        for number, state in enumerate((world.state, *others))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state in others:
        state.close()

    assert stored.count("all") == 3
    assert stored.count("summary") == 37
    assert world.sampled() == 37


@pytest.mark.parametrize(
    "rule",
    [
        {"steps": []},
        {"steps": [{"count": 0, "interval": 0}]},
        {"steps": [{"count": 1, "interval": -1}]},
        {"steps": [{"count": 1, "interval": 0}], "reset": 1},
        {"steps": [{"count": 1, "interval": 0}], "buckets": 0},
    ],
)
def test_a_rule_that_would_hide_everything_cannot_be_written(
    rule: dict[str, object],
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(rule, SamplingRule)
