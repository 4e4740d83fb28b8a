"""Which of many crashes alike may go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.collect.journal import Entry, State
from coresnap.collect.spool import Part
from coresnap.config import Config
from coresnap.config.interpret import interpret
from coresnap.crash import Archive, Stage
from coresnap.daemon.policy import decide_removals
from coresnap.daemon.removal import EVERYTHING, Removal

DAY = 86400 * 10**9
NOW = 10_000 * DAY
SIZE = 100
CORE = 60


@attrs.frozen
class Crash:
    """An archive, by what matters here."""

    number: int
    kind: str | None
    time: int
    has_core: bool = False
    state: State = State.READY
    executable: str = "/usr/bin/simple"

    @property
    def id(self) -> str:
        return f"{self.number:032x}"

    @property
    def archive(self) -> Archive:
        return Archive(
            id=self.id,
            stage=Stage.SENDING,
            application="simple",
            time=self.time,
            has_core=self.has_core,
            has_snapshot=self.state is State.READY,
            has_assets=True,
            size=1,
            disk_size=SIZE,
            executable=self.executable,
            core_disk_size=CORE if self.has_core else 0,
        )

    @property
    def entry(self) -> Entry:
        # A core that failed a check is not removed for its snapshot's sake.
        detail = {"fingerprint": self.kind, "checks": ["check.pid"]}
        return Entry(self.id, self.state, 0, 0, 0, 0, detail)


def configured(text: str) -> Config:
    reading = interpret(text)
    assert reading.errors == ()
    return reading.config


def decide(
    config: Config, crashes: Sequence[Crash], limit: int | None = None, now: int = NOW
) -> list[Removal]:
    archives = [crash.archive for crash in crashes]
    entries = {crash.id: crash.entry for crash in crashes}
    return list(decide_removals(archives, entries, config, now, limit))


def numbers(removals: Sequence[Removal]) -> list[int]:
    return [int(removal.id, 16) for removal in removals]


def series(kinds: str, *, has_core: bool = False) -> list[Crash]:
    """One crash a second, of the kinds that the letters say; the first is number 0."""
    start = NOW - DAY
    return [Crash(n, kind, start + n * 10**9, has_core) for n, kind in enumerate(kinds)]


# --- keep.first and keep.last -------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "gone"),
    [
        (0, 0, []),
        (2, 1, [2, 3]),
        (1, 0, [1, 2, 3, 4]),
        (0, 2, [0, 1, 2]),
        (3, 2, []),
        (9, 9, []),
    ],
)
def test_what_lies_between_the_first_and_the_last_goes(
    first: int, last: int, gone: list[int]
) -> None:
    config = configured(f"[daemon]\nkeep.first = {first}\nkeep.last = {last}\n")

    removals = decide(config, series("aaaaa"))
    assert numbers(removals) == gone
    assert all(removal.parts == EVERYTHING for removal in removals)


def test_each_fingerprint_is_counted_alone() -> None:
    config = configured("[daemon]\nkeep.first = 1\n")

    assert numbers(decide(config, series("abcab"))) == [3, 4]


def test_an_application_has_numbers_of_its_own() -> None:
    config = configured("[application /usr/bin/s*]\nkeep.last = 1\n")
    mine = series("aaa")
    other = [
        Crash(n + 10, "b", crash.time, executable="/bin/x")
        for n, crash in enumerate(mine)
    ]

    assert numbers(decide(config, [*mine, *other])) == [0, 1]


# --- purge.size ---------------------------------------------------------------


def test_nothing_goes_while_there_is_room() -> None:
    crashes = series("aab")

    assert decide(configured(""), crashes, limit=3 * SIZE) == []


@pytest.mark.parametrize(
    ("kinds", "room", "gone"),
    [
        ("aab", 2, [0]),
        ("abbbc", 4, [1]),
        ("abbbc", 3, [1, 2]),
        ("aaabbbbc", 5, [3, 0, 4]),
        ("aabb", 0, [0, 2]),
        ("abc", 0, []),
    ],
)
def test_the_most_repeated_go_first_and_of_these_the_oldest(
    kinds: str, room: int, gone: list[int]
) -> None:
    removals = decide(configured(""), series(kinds), limit=room * SIZE)

    assert numbers(removals) == gone


def test_cores_go_before_archives() -> None:
    crashes = series("aaab", has_core=True)
    config = configured("")

    (removal,) = decide(config, crashes, limit=4 * SIZE - 1)
    assert removal.parts == (Part.CORE,)
    more = decide(config, crashes, limit=4 * SIZE - CORE - 1)
    assert [(r.parts, int(r.id, 16)) for r in more] == [
        ((Part.CORE,), 0),
        ((Part.CORE,), 1),
    ]
    most = decide(config, crashes, limit=4 * SIZE - 2 * CORE - 1)
    assert [(r.parts, int(r.id, 16)) for r in most] == [
        (EVERYTHING, 0),
        ((Part.CORE,), 1),
    ]


def test_a_core_that_never_goes_goes_with_its_archive_alone() -> None:
    crashes = series("aab", has_core=True)
    config = configured("[daemon]\npurge.core = never\n")

    (removal,) = decide(config, crashes, limit=2 * SIZE)
    assert (removal.parts, int(removal.id, 16)) == (EVERYTHING, 0)


def test_a_crash_without_a_snapshot_never_goes_for_room() -> None:
    crashes = [
        attrs.evolve(crash, state=state, has_core=True)
        for crash, state in zip(series("aaaa"), State, strict=False)
        if state is not State.READY
    ]

    assert decide(configured(""), crashes, limit=0) == []


# --- what always holds --------------------------------------------------------

KINDS = st.sampled_from(["a", "b", "c", None])
CRASHES = st.lists(
    st.builds(
        Crash,
        number=st.integers(0, 1000),
        kind=KINDS,
        time=st.integers(NOW - 5 * DAY, NOW + 5 * DAY),
        has_core=st.booleans(),
        state=st.sampled_from(State),
        executable=st.sampled_from(["/usr/bin/simple", "/opt/other"]),
    ),
    max_size=30,
    unique_by=lambda crash: crash.number,
)
COUNTS = st.integers(0, 4)
CONFIGS = st.builds(
    lambda first, last, other, core: configured(
        f"[daemon]\nkeep.first = {first}\nkeep.last = {last}\npurge.core = {core}\n"
        f"[application /opt/*]\nkeep.last = {other}\n"
    ),
    COUNTS,
    COUNTS,
    COUNTS,
    st.sampled_from(["snapshot", "never"]),
)
LIMITS = st.none() | st.integers(0, 30 * SIZE)


@given(CONFIGS, CRASHES, LIMITS)
def test_one_of_each_kind_and_the_first_and_last_of_it_stay(
    config: Config, crashes: list[Crash], limit: int | None
) -> None:
    removals = decide(config, crashes, limit)

    gone = {int(removal.id, 16) for removal in removals}
    ready = [crash for crash in crashes if crash.state is State.READY]
    assert gone <= {crash.number for crash in ready if crash.kind is not None}
    whole = {int(r.id, 16) for r in removals if r.parts == EVERYTHING}
    for kind in {crash.kind for crash in ready} - {None}:
        alike = sorted(
            (c for c in ready if c.kind == kind), key=lambda c: (c.time, c.id)
        )
        assert not {crash.number for crash in alike} <= whole
        for place, crash in enumerate(alike):
            policy = config.policy_for(crash.executable)
            is_first = place < policy.keep_first
            if is_first or place >= len(alike) - policy.keep_last:
                assert crash.number not in gone


@given(CONFIGS, CRASHES, LIMITS, st.randoms())
def test_the_same_is_decided_each_time_whatever_the_order_and_the_clock(
    config: Config, crashes: list[Crash], limit: int | None, random: object
) -> None:
    shuffled = list(crashes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    wanted = decide(config, crashes, limit)

    assert Counter(decide(config, shuffled, limit)) == Counter(wanted)
    # No age is near: only ages look at the clock.
    assert decide(config, crashes, limit, now=0) == wanted


@given(CRASHES, st.integers(0, 30 * SIZE))
def test_no_more_goes_than_is_needed(crashes: list[Crash], limit: int) -> None:
    removals = decide(configured(""), crashes, limit)

    by_id = {crash.id: crash.archive for crash in crashes}
    freed = [
        by_id[r.id].disk_size if r.parts == EVERYTHING else by_id[r.id].core_disk_size
        for r in removals
    ]
    total = len(crashes) * SIZE
    if removals:
        assert total > limit
        assert total - sum(freed) + max(freed) > limit
