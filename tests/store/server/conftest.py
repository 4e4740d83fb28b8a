"""A server on a real socket, for each test of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.server.live import LiveServer, running_server


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    """A server with universe ``cf`` and project ``blackhole``."""
    with running_server(tmp_path) as server:
        yield server
