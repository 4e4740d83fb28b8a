"""What tests of the operational commands share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shortpath import short_directory

from .operations import Bench, make_bench


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    """A configuration and a spool of its own."""
    with short_directory() as directory:
        bench = make_bench(directory, capsys)
        bench.create()
        yield bench
