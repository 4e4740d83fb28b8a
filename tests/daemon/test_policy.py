"""What may be removed, and what never is."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.collect.journal import Entry, State
from coresnap.collect.spool import Part
from coresnap.config import Config, load_config
from coresnap.daemon.policy import Removal, decide_removals, may_remove_core
from coresnap.model import Archive, Stage

DAY = 86400 * 10**9
NOW = 10_000 * DAY
ID = "0" * 32


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("policy") / "conf"
    path.write_text("[daemon]\npurge.pending.age = 30d\npurge.sending.age = 90d\n")
    return load_config(path)


def archive(*, core: bool, snapshot: bool, age: int = 0) -> Archive:
    return Archive(
        id=ID,
        stage=Stage.SENDING if snapshot else Stage.PENDING,
        application="simple",
        time=NOW - age * DAY,
        has_core=core,
        has_snapshot=snapshot,
        has_assets=True,
        size=1,
        disk_size=1,
    )


def entry(state: State, **detail: object) -> Entry:
    return Entry(ID, state, 0, 0, 0, 0, dict(detail))


def decide(config: Config, one: Archive, about: Entry | None) -> list[Removal]:
    entries = {ID: about} if about is not None else {}
    return list(decide_removals([one], entries, config, NOW))


def test_a_core_goes_once_its_snapshot_is_safe(config: Config) -> None:
    done = archive(core=True, snapshot=True)

    (removal,) = decide(config, done, entry(State.READY, checks=[]))
    assert removal.parts == (Part.CORE,)


@pytest.mark.parametrize(
    "about",
    [
        None,
        entry(State.WAITING),
        entry(State.WORKING),
        entry(State.READY),
        entry(State.READY, checks=["check.pid"]),
        entry(State.READY, checks=[], truncated=True),
    ],
    ids=lambda about: str(about and (about.state, about.detail)),
)
def test_a_core_in_doubt_stays(config: Config, about: Entry | None) -> None:
    done = archive(core=True, snapshot=True)

    assert not may_remove_core(done, about, config)
    assert decide(config, done, about) == []


def test_policy_may_keep_cores(config: Config) -> None:
    done = archive(core=True, snapshot=True)
    never = attrs.evolve(config, purge_core="never")

    assert decide(never, done, entry(State.READY, checks=[])) == []


def test_a_core_that_waits_is_never_too_old(config: Config) -> None:
    waits = archive(core=True, snapshot=False, age=9999)

    for state in (State.WAITING, State.WORKING):
        assert decide(config, waits, entry(state)) == []
    assert decide(config, waits, None) == []


@pytest.mark.parametrize(("age", "goes"), [(29, False), (31, True)])
def test_a_core_that_was_given_up_goes_with_its_age(
    config: Config, age: int, goes: bool
) -> None:
    failed = archive(core=True, snapshot=False, age=age)

    removals = decide(config, failed, entry(State.FAILED))
    assert [removal.parts for removal in removals] == [(Part.ASSETS, Part.CORE)] * goes


@pytest.mark.parametrize(("age", "goes"), [(89, False), (91, True)])
def test_a_snapshot_goes_with_its_age_and_everything_beside_it(
    config: Config, age: int, goes: bool
) -> None:
    old = archive(core=False, snapshot=True, age=age)

    removals = decide(config, old, entry(State.READY, checks=[]))
    everything = (Part.CORE, Part.ASSETS, Part.SNAPSHOT)
    assert [removal.parts for removal in removals] == [everything] * goes


def test_a_clock_that_went_back_removes_nothing(config: Config) -> None:
    future = archive(core=False, snapshot=True, age=-400)

    assert decide(config, future, entry(State.READY, checks=[])) == []


@given(
    core=st.booleans(),
    snapshot=st.booleans(),
    age=st.integers(-10_000, 10_000),
    about=st.none()
    | st.builds(
        entry,
        st.sampled_from(State),
        checks=st.lists(st.just("check.pid"), max_size=1),
    ),
)
def test_keeping_for_ever_is_for_ever_and_the_only_copy_goes_only_by_age(
    config: Config, core: bool, snapshot: bool, age: int, about: Entry | None
) -> None:
    one = archive(core=core, snapshot=snapshot, age=age)

    disabled = attrs.evolve(config, purge_disabled=True)
    assert list(decide_removals([one], {}, disabled, NOW)) == []
    for removal in decide(config, one, about):
        if age < 30:
            assert removal.parts == (Part.CORE,)
            assert one.has_snapshot
