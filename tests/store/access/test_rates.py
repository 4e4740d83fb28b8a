"""Buckets of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coresnap.store.access.rates import Rates


def test_a_burst_passes_and_then_one_after_the_other() -> None:
    rates = Rates(rate=2, burst=3)

    assert [rates.take("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.wait("a", 0.25) == 0.25
    assert rates.take("a", 0.5) == 0
    assert rates.take("a", 0.5) == 0.5


def test_one_s_requests_are_not_another_s() -> None:
    rates = Rates(rate=1, burst=1)

    assert (rates.take("a", 0), rates.take("b", 0)) == (0, 0)
    assert rates.take("a", 0) > 0


def test_without_a_rate_everything_passes() -> None:
    rates = Rates(rate=0, burst=0)

    assert [rates.take("a", 0) for _ in range(9)] == [0] * 9


def test_what_is_remembered_has_a_limit() -> None:
    rates = Rates(rate=1, burst=1)
    for number in range(20_000):
        rates.take(str(number), 0)

    assert len(rates._buckets) == 10_000


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.integers(1, 5))
def test_never_more_pass_than_burst_and_rate_allow(
    pauses: list[float], rate: int, burst: int
) -> None:
    rates, now, passed = Rates(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        passed += rates.take("a", now) == 0

    assert passed <= burst + rate * now + 1e-6
