"""A server with faults, and a browser before it. Both take the marker ``browser``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from views.web.chromium import Window, chromium, why_no_browser
from views.web.fleet import Fleet, running_fleet


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """``coroner serve`` with a month of faults, for tests that only read."""
    with running_fleet(tmp_path_factory.mktemp("fleet") / "data") as fleet:
        yield fleet


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    """A Chromium; its loop ends with the module, so that others can have their own."""
    if reason := why_no_browser():
        pytest.skip(reason)
    with chromium() as window:
        yield window
