"""Spans of time for people."""

from __future__ import annotations

import pytest

from coresnap.snapshot.duration import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 µs"),
        (0.0000123, "12.3 µs"),
        (0.0025, "2.5 ms"),
        (0.99949, "999 ms"),
        (1, "1 s"),
        (12.345, "12.3 s"),
        (59.99, "60 s"),
        (125, "2m05s"),
        (7200, "120m00s"),
    ],
)
def test_a_span_has_three_digits_that_count(seconds: float, text: str) -> None:
    assert duration(seconds) == text
