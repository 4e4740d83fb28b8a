"""A server and the program that speaks with it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.store.server import background
from store.server.live import LiveServer, running_server

from .bench import Coroner, make_coroner


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    """A server with the project ``blackhole`` of the universe ``cf``."""
    # Every test waits for the index again and again; a quarter of a second each time.
    monkeypatch.setattr(background, "_INDEX_SECONDS", 0.01)
    (tmp_path / "data").mkdir()
    with running_server(tmp_path / "data") as server:
        yield server


@pytest.fixture
def coroner(
    live: LiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Coroner]:
    """The program, in a home of its own, where it is UTC."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield make_coroner(live, tmp_path, capsys)
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def signals() -> Iterator[None]:
    """What the daemon does to the signals ends with the test."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
