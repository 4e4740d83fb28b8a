"""kill -9 of the sender's processes, between any two of their steps."""

from __future__ import annotations

import mmap
import os
import select
import signal
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest

from conftest import Tally
from coresnap.collect.journal import State
from coresnap.daemon import courier, outbox, sending_warden
from coresnap.store.api.endpoint import Capability
from coresnap.store.client.connection import Connection
from daemon.test_sending import Host, new_host
from store.server.live import LiveServer, running_server

STEPS = (
    *((sending_warden, name) for name in ("receive", "send", "_pass_on")),
    *((courier.Courier, name) for name in ("deliver", "_send")),
    *((Connection, name) for name in ("__init__", "send", "close")),
    *((subprocess, "run"), (os, "fdopen")),
)
"""Before and after each of these calls is a boundary."""
OFTEN = 37
_COUNTS = struct.Struct("=qqq")


@attrs.frozen
class Fate:
    """Counts boundaries, of all processes together, down to a deadly one."""

    _shared: mmap.mmap = attrs.field(factory=lambda: mmap.mmap(-1, mmap.PAGESIZE))

    def arm(self, step: int, *, again: int = 0) -> None:
        """The ``step``th boundary is deadly, then each ``again``th if that is given."""
        _COUNTS.pack_into(self._shared, 0, step, again, 0)

    @property
    def kills(self) -> int:
        """How often it was met since it was armed."""
        return int(_COUNTS.unpack_from(self._shared)[2])

    def pass_by(self) -> None:
        left, again, kills = _COUNTS.unpack_from(self._shared)
        if left != 1:
            _COUNTS.pack_into(self._shared, 0, left - 1, again, kills)
        else:
            _COUNTS.pack_into(self._shared, 0, again, again, kills + 1)
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any], spared: int) -> Callable[..., Any]:
        """Make ``call`` mortal in every process but ``spared``."""

        def mortal(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - anything
            if os.getpid() == spared:
                return call(*arguments, **named)
            self.pass_by()
            result = call(*arguments, **named)
            self.pass_by()
            return result

        return mortal


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "store").mkdir()
    with running_server(tmp_path / "store") as server:
        yield server


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Fate:
    fate = Fate()
    for place, name in STEPS:
        call = getattr(place, name)
        monkeypatch.setattr(place, name, fate.around(call, os.getpid()))
    return fate


@pytest.fixture
def host(fate: Fate, live: LiveServer, tmp_path: Path) -> Iterator[Host]:
    with new_host(tmp_path, live.url, live.token(Capability.POST)) as host:
        yield host


def objects(live: LiveServer) -> Counter[str]:
    """How often the store has each."""
    live.wait_until_indexed()
    with live.client(Capability.QUERY) as client:
        answer = client.post("query", json={"select": ["object"], "limit": 1000})
    return Counter(row["values"][0] for row in answer.json()["rows"])


def settle(host: Host) -> None:
    """Let what happens after the receipt happen, and take what is told of it."""
    assert host.outbox is not None
    while host.outbox.sender.is_alive:
        if not select.select([host.outbox.sender], [], [], 0.02)[0]:
            return
        host.outbox.take()


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_a_sender_killed_between_any_two_steps_loses_and_doubles_nothing(
    fate: Fate, host: Host, live: LiveServer, stride: int, tally: Tally
) -> None:
    ids = []
    for step in count(1, stride):
        fate.arm(step)
        ids.append(host.crash(step))
        host.run_until(lambda: host.state(ids[-1]) is State.SENT)
        settle(host)
        if not fate.kills:
            break

    assert step > 20
    assert objects(live) == Counter(ids)
    assert host.sender is not None
    assert host.sender.is_alive, "one of the two was always left"
    tally("sender killed between any two of its steps", whole=len(ids) - 1)


def test_a_sender_killed_again_and_again_gets_there(
    fate: Fate,
    host: Host,
    live: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
) -> None:
    monkeypatch.setattr(outbox, "_DEATHS", 1000)
    ids = [host.crash(number) for number in range(5)]
    # A snapshot takes fewer boundaries than lie between two kills, but not many.
    fate.arm(OFTEN, again=OFTEN)

    def all_sent() -> bool:
        assert host.outbox is not None
        if not host.outbox.sender.is_alive:
            host.start()
        return {host.state(one) for one in ids} == {State.SENT}

    host.run_until(all_sent)
    assert fate.kills > 2
    fate.arm(0)
    settle(host)

    assert objects(live) == Counter(ids)
    tally("sender killed again and again", whole=len(ids))
