"""What may be removed, and what never is."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.collect.journal import Entry, State
from coresnap.collect.spool import Part
from coresnap.config import Config, load_config
from coresnap.config.interpret import interpret
from coresnap.crash import Archive, Stage
from coresnap.daemon.policy import Removal, decide_removals, may_remove_core
from coresnap.daemon.removal import EVERYTHING

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


# --- ages of each part --------------------------------------------------------

SAFE = entry(State.READY, checks=[])
IN_DOUBT = entry(State.READY, checks=["check.pid"])


def record(age: int) -> Archive:
    return archive(core=False, snapshot=False, age=age)


@pytest.mark.parametrize(
    ("text", "one", "about", "parts"),
    [
        ("purge.assets.age = 5d", archive(core=False, snapshot=True, age=6), SAFE, "a"),
        ("purge.assets.age = 5d", archive(core=False, snapshot=True, age=4), SAFE, ""),
        ("purge.assets.age = 5d", archive(core=True, snapshot=True, age=6), SAFE, "c"),
        (
            "purge.assets.age = 5d",
            archive(core=True, snapshot=True, age=6),
            IN_DOUBT,
            "",
        ),
        (
            "purge.pending.age = 5d",
            archive(core=True, snapshot=True, age=6),
            IN_DOUBT,
            "c",
        ),
        (
            "purge.pending.age = 5d",
            archive(core=True, snapshot=True, age=4),
            IN_DOUBT,
            "",
        ),
        ("purge.age = 5d", archive(core=True, snapshot=True, age=6), IN_DOUBT, "cas"),
        ("purge.age = none", archive(core=True, snapshot=True, age=9999), IN_DOUBT, ""),
        ("purge.assets.age = 5d", record(6), entry(State.FAILED), "a"),
        ("purge.assets.age = 5d", record(4), entry(State.FAILED), ""),
        ("purge.assets.age = 5d", record(6), entry(State.WAITING), ""),
        (
            "purge.pending.age = none",
            archive(core=True, snapshot=False, age=9999),
            entry(State.FAILED),
            "",
        ),
    ],
)
def test_each_part_has_an_age_of_its_own(
    text: str, one: Archive, about: Entry, parts: str
) -> None:
    reading = interpret(f"[daemon]\n{text}\n")
    assert reading.errors == ()

    letters = {Part.CORE: "c", Part.ASSETS: "a", Part.SNAPSHOT: "s"}
    removals = decide(reading.config, one, about)
    assert ["".join(letters[p] for p in r.parts) for r in removals] == [parts] * bool(
        parts
    )


def test_assets_are_reduced_once(config: Config) -> None:
    old = archive(core=False, snapshot=True, age=89)
    config = attrs.evolve(config, purge_assets_age=5)

    assert decide(config, old, entry(State.READY, checks=[], assets="reduced")) == []


def test_a_crash_is_as_old_as_it_has_been_here(config: Config) -> None:
    imported = archive(core=True, snapshot=False, age=9999)
    about = attrs.evolve(entry(State.FAILED), arrived=NOW - DAY)

    assert decide(config, imported, about) == []


def test_an_application_s_ages_are_its_own() -> None:
    text = "[application /opt/*]\npurge.age = 1d\npurge.core = never\n"
    config = interpret(text).config
    mine = attrs.evolve(
        archive(core=True, snapshot=True, age=0), executable="/opt/simple"
    )

    assert decide(config, mine, SAFE) == []
    other = attrs.evolve(mine, executable="/usr/bin/simple")
    assert [r.parts for r in decide(config, other, SAFE)] == [(Part.CORE,)]
    old = attrs.evolve(mine, time=NOW - 2 * DAY)
    assert [r.parts for r in decide(config, old, SAFE)] == [EVERYTHING]


@given(
    core=st.booleans(),
    snapshot=st.booleans(),
    time=st.integers(0, 2 * NOW),
    arrived=st.integers(0, 2 * NOW),
    now=st.integers(-NOW, 2 * NOW),
    state=st.sampled_from(State),
)
def test_what_is_younger_than_every_age_keeps_its_last_trace(
    core: bool, snapshot: bool, time: int, arrived: int, now: int, state: State
) -> None:
    config = interpret("[daemon]\npurge.age = 1d\n").config
    one = attrs.evolve(archive(core=core, snapshot=snapshot), time=time)
    about = attrs.evolve(entry(state, checks=[]), arrived=arrived)

    removals = list(decide_removals([one], {ID: about}, config, now))
    if now - time <= DAY or now - arrived <= DAY:
        assert all(removal.parts == (Part.CORE,) for removal in removals)
        assert not removals or one.has_snapshot
