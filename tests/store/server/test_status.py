"""The server says how it does, and goes on when a part of it fails."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from coresnap.errors import StorageError
from coresnap.store.api.endpoint import Capability
from coresnap.store.server.loops import Loop, run_loop
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot


def test_the_status_counts_what_waits_and_how_long(tmp_path: Path) -> None:
    with (
        running_server(tmp_path, with_loops=False) as live,
        live.client(Capability.ADMIN) as client,
    ):
        for number in range(3):
            client.post("faults", content=make_snapshot(number))
        client.post("faults", content=b"nonsense")
        time.sleep(1.1)
        status = client.get("/api/v1/status").json()

    assert status["queued"] == 3
    assert status["oldest"] >= 1
    assert (status["requests"], status["refused"], status["invalid"]) == (4, 1, 1)
    assert 0 < status["disk_free"] <= status["disk_size"]


def test_a_loop_that_fails_is_told_counted_and_tried_again(live: LiveServer) -> None:
    fails = [True]
    worked = threading.Event()

    def work() -> None:
        if fails.pop() if fails else False:
            raise StorageError("the disk is away")
        worked.set()

    stopping = threading.Event()
    arguments = (live.server, Loop("trial", 0.01, work), stopping)
    thread = threading.Thread(target=run_loop, args=arguments)
    thread.start()
    assert worked.wait(10)
    stopping.set()
    thread.join()

    status = live.server.counters.loops["trial"]
    assert (status.failures, status.error) == (1, "")
    assert status.last is not None
    assert any("the disk is away" in line for line in live.log.lines)
    assert any("trial works again" in line for line in live.log.lines)


def test_ingestion_goes_on_while_the_index_fails(live: LiveServer) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(live.server.store.index), "write", _fail)
        with live.client(Capability.ADMIN) as client:
            sent = client.post("faults", content=make_snapshot())
            error, deadline = "", time.monotonic() + 60
            while not error and time.monotonic() < deadline:
                time.sleep(0.05)
                status = client.get("/api/v1/status").json()
                # A loop that has not come round yet is not there.
                loops = {one["name"]: one for one in status["loops"]}
                error = loops.get("index", {}).get("error", "")
            patch.undo()
            live.wait_until_indexed()
            faults = client.post("query", json={}).json()["faults"]

    assert sent.status_code == 200
    assert "the index is away" in error
    assert status["queued"] == 1
    assert faults == 1


def _fail(*_: object) -> None:
    raise StorageError("the index is away")
