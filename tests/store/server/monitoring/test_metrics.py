"""What a real server tells monitors, as Prometheus' parser reads it."""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import prometheus_client.parser
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)

from coresnap.errors import StorageError
from coresnap.store.api.endpoint import Capability
from coresnap.store.server.monitoring import app, shared
from coresnap.store.server.monitoring.shared import OTHERS
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot

DOCS = Path(__file__).parents[4] / "docs"
HERE = ("127.0.0.1", 0)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    with running_server(tmp_path, metrics_listen=HERE) as live:
        yield live


def page(live: LiveServer, path: str = "/metrics", accept: str = "") -> str:
    request = urllib.request.Request(
        f"{live.serving.metrics_address}{path}", headers={"accept": accept}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


Families = dict[str, "prometheus_client.Metric"]


def families(live: LiveServer) -> Families:
    parse = prometheus_client.parser.text_string_to_metric_families
    return {family.name: family for family in parse(page(live))}


def value(found: Families, sample: str, **labels: str) -> float:
    """The number of one sample; 0 where there is none."""
    return sum(
        one.value
        for family in found.values()
        for one in family.samples
        if one.name == sample and labels.items() <= one.labels.items()
    )


def wait_for(live: LiveServer, sample: str, wanted: float, **labels: str) -> Families:
    deadline = time.monotonic() + 60
    while value(found := families(live), sample, **labels) != wanted:
        assert time.monotonic() < deadline, found[sample]
        time.sleep(0.1)
    return found


def test_requests_are_counted_by_operation_status_and_error(live: LiveServer) -> None:
    with live.client(Capability.ADMIN) as client:
        body = make_snapshot()
        client.post("faults", content=body)
        client.post("faults", content=b"nonsense")
        client.get("/api/v1/status")

    found = families(live)

    put = {"operation": "post_fault"}
    assert value(found, "coroner_requests_total", **put, status="2xx") == 1
    assert value(found, "coroner_requests_total", **put, status="4xx") == 1
    assert value(found, "coroner_refused_total", **put) == 1
    assert value(found, "coroner_request_seconds_count", **put) == 2
    assert value(found, "coroner_request_seconds_count", operation="status") == 1
    assert value(found, "coroner_received_bytes_total") == len(body) + len(b"nonsense")
    assert value(found, "coroner_snapshots_invalid_total") == 1
    assert value(found, "coroner_build_info") == 1


def test_it_tells_what_the_store_holds(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_COUNTED_AGE", 0.0)
    with live.client(Capability.ADMIN) as client:
        for number in range(3):
            client.post("faults", content=make_snapshot(number, number % 2))
        live.wait_until_indexed()

    project = "cf/blackhole"
    live.serving.metrics[1]._shared._counted.seconds = 0  # type: ignore[index]
    found = wait_for(live, "coroner_faults", 3, project=project)

    assert value(found, "coroner_groups", project=project, state="open") == 2
    assert value(found, "coroner_index_segments", project=project) >= 1
    assert value(found, "coroner_queue_faults") == 0
    assert value(found, "coroner_queue_oldest_seconds") == 0
    assert value(found, "coroner_state_readable") == 1
    assert value(found, "coroner_loop_failing") == 0


def test_what_waits_is_told_with_its_age(tmp_path: Path) -> None:
    with running_server(tmp_path, with_loops=False, metrics_listen=HERE) as live:
        with live.client(Capability.ADMIN) as client:
            client.post("faults", content=make_snapshot())
        time.sleep(0.1)
        found = families(live)

    assert value(found, "coroner_queue_faults") == 1
    assert value(found, "coroner_queue_oldest_seconds") >= 0.1


def test_a_loop_that_fails_is_told(live: LiveServer) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(live.server.store.index), "write", _fail)
        with live.client(Capability.ADMIN) as client:
            client.post("faults", content=make_snapshot())
        found = wait_for(live, "coroner_loop_failing", 1, loop="index")
        assert value(found, "coroner_loop_failures_total", loop="index") >= 1
    wait_for(live, "coroner_loop_failing", 0, loop="index")


def _fail(*arguments: object) -> None:
    raise StorageError("the disk is away")


def test_projects_are_told_up_to_a_number_and_the_rest_together(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "PROJECTS", 2)
    live.serving.metrics[1]._shared._counted.seconds = 0  # type: ignore[index]
    for number in range(4):
        scope = live.project(f"project{number}")
        with live.client(Capability.ADMIN) as client:
            for one in range(number + 1):
                client.post(f"{scope}/faults", content=make_snapshot(10 * number + one))
    live.wait_until_indexed()

    found = wait_for(live, "coroner_faults", 4, project="cf/project3")

    told = {s.labels["project"] for s in found["coroner_faults"].samples}
    assert told == {"cf/project3", "cf/project2", OTHERS}
    assert value(found, "coroner_faults", project=OTHERS) == 3
    assert value(found, "coroner_faults") == 10


def test_a_state_that_is_slow_is_said_to_be_and_hides_nothing_else(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_PATIENCE", 0.1)
    slow = threading.Event()
    monkeypatch.setattr(shared, "_waiting", lambda store: slow.wait(60) and [])

    found = families(live)
    again = families(live)
    slow.set()

    for one in (found, again):
        assert value(one, "coroner_state_readable") == 0
        assert "coroner_faults" not in one
        assert value(one, "coroner_build_info") == 1


def test_openmetrics_is_told_to_who_asks_for_it(live: LiveServer) -> None:
    text = page(live, accept="application/openmetrics-text; version=1.0.0")

    assert text.endswith("# EOF\n")
    names = {f.name for f in parse_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert "coroner_faults" in names


def test_nothing_else_is_served_there_and_it_is_served_nowhere_else(
    live: LiveServer,
) -> None:
    for path in ("/", "/api/v1/status", "/metrics/", "/healthz"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            page(live, path)
    with live.client(Capability.ADMIN) as client:
        assert client.get("/metrics").status_code == 404


def test_without_the_setting_nothing_listens(tmp_path: Path) -> None:
    with running_server(tmp_path) as live:
        assert live.serving.metrics_address is None


def test_every_metric_is_documented_as_it_is(live: LiveServer) -> None:
    with live.client(Capability.ADMIN) as client:
        client.post("faults", content=make_snapshot())
        client.post("faults", content=b"nonsense")
    live.wait_until_indexed()
    text = (DOCS / "metrics.md").read_text().partition("## Of a store")[2]
    rows = re.findall(
        r"^\| `(coroner_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", text, re.MULTILINE
    )

    assert {(name, kind, meaning) for name, kind, _, meaning in rows} == {
        (
            family.name + ("_total" if family.type == "counter" else ""),
            family.type,
            family.documentation,
        )
        for family in families(live).values()
        if not family.name.startswith("coroner_process_")
    }
