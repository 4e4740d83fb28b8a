"""Back-off keeps what the schedule says, never more, and the first always."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.store.api.sampling import SamplingRule, Step
from coresnap.store.sampling.schedule import advanced, begun, next_time

DAY = 86400
RULE = SamplingRule((Step(2, 0), Step(4, 60), Step(8, 3600)))


def kept_at(rule: SamplingRule, times: list[int]) -> list[int]:
    progress, kept = None, []
    for now in times:
        progress, is_kept = advanced(rule, progress or begun(now), now)
        if is_kept:
            kept.append(now)
    return kept


def test_a_storm_keeps_the_first_then_fewer_and_fewer() -> None:
    storm = list(range(0, 12 * 3600, 10))

    first_hours = [0, 10, *range(70, 251, 60)]
    hourly = [250 + 3600 * n for n in range(1, 9)]
    assert kept_at(RULE, storm) == first_hours + hourly


def test_a_bucket_begins_again_after_the_reset() -> None:
    storm = list(range(0, 2 * DAY, 600))

    kept = kept_at(RULE, storm)
    assert [t for t in kept if t >= DAY][:2] == [DAY, DAY + 600]
    assert len([t for t in kept if t < DAY]) == 14


@pytest.mark.parametrize(
    ("kept", "last", "expected"),
    [(0, 0, 0), (1, 100, 100), (2, 100, 160), (6, 100, 3700), (14, 100, DAY + 5)],
)
def test_when_the_next_body_is_kept(kept: int, last: int, expected: int) -> None:
    progress = begun(5).__class__(5, kept, 0, last)
    assert next_time(RULE, progress) == expected


def test_a_clock_that_was_set_back_hides_nothing() -> None:
    progress, _ = advanced(RULE, begun(10 * DAY), 10 * DAY)
    for _ in range(100):
        progress, _ = advanced(RULE, progress, 10 * DAY + 1)

    _, is_kept = advanced(RULE, progress, DAY)
    assert is_kept


def test_clocks_of_servers_may_differ_by_seconds() -> None:
    times = [1000, 999, 1001, 998, 1000]
    assert kept_at(SamplingRule((Step(2, 0),)), times) == [1000, 1001]


rules = st.builds(
    SamplingRule,
    st.lists(
        st.builds(Step, st.integers(1, 5), st.integers(0, 500)), min_size=1, max_size=4
    ).map(tuple),
    st.integers(60, 5000),
)
moments = st.lists(st.integers(0, 400), min_size=1, max_size=200)


@given(rules, moments)
def test_never_more_than_the_schedule_and_the_first_always(
    rule: SamplingRule, gaps: list[int]
) -> None:
    now, times = 1_000_000, []
    for gap in gaps:
        now += gap
        times.append(now)

    kept = kept_at(rule, times)

    assert kept[0] == times[0]
    most = sum(step.count for step in rule.steps)
    intervals = [s.interval for s in rule.steps for _ in range(s.count)]
    begin, number = kept[0], 0
    for before, moment in zip([None, *kept], kept, strict=False):
        if before is None or moment >= begin + rule.reset:
            begin, number = moment, 0
        else:
            number += 1
            assert number < most
            assert moment - before >= intervals[number]


@given(rules, moments)
def test_no_kind_is_hidden_for_longer_than_the_reset(
    rule: SamplingRule, gaps: list[int]
) -> None:
    now, times = 0, [0]
    for gap in gaps:
        now += gap
        times.append(now)
    kept = kept_at(rule, times)

    for moment in times:
        recent = [t for t in kept if moment - rule.reset < t <= moment]
        # In each window as long as the reset some body is kept, of faults that came.
        assert recent or moment - kept[0] < rule.reset


@given(rules, moments)
def test_every_fault_is_kept_or_counted(rule: SamplingRule, gaps: list[int]) -> None:
    now = 0
    progress = begun(0)
    kept = sampled = 0
    for gap in gaps:
        before = progress
        now += gap
        progress, is_kept = advanced(rule, progress, now)
        kept += is_kept
        sampled += not is_kept
        if progress.started == before.started:
            assert progress.kept + progress.sampled == before.kept + before.sampled + 1
    assert kept + sampled == len(gaps)
