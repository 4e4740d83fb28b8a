from __future__ import annotations

import pytest

from coresnap.views.quantity import decimal_size


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (18_810, "18.81 kB"),
        (999_994, "999.99 kB"),
        (999_996, "1.00 MB"),
        (20_300_000, "20.30 MB"),
        (10**18, "1000000.00 TB"),
    ],
)
def test_sizes_are_decimal_with_two_places(size: int, shown: str) -> None:
    assert decimal_size(size) == shown
