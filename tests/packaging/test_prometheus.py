"""A real Prometheus asks a real daemon and a real store, and raises an alert."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.collect.spool import create_spool
from coresnap.config import load_config
from coresnap.store.api.endpoint import Capability
from shortpath import short_directory
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot

MONITORING = Path(__file__).parents[2] / "packaging" / "monitoring"

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="prometheus is not installed"
    ),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def root() -> Iterator[Path]:
    with short_directory() as root:
        yield root


@pytest.fixture
def daemon(root: Path) -> Iterator[int]:
    """A coresnapd to which no crash comes; the port of its metrics."""
    user = "root" if os.geteuid() == 0 else "nobody"
    port = free_port()
    source = root / "coresnap.conf"
    source.write_text(
        f"[archive]\nroot = {root}/r\nhandler = {root}/lib/catch\ndump.quota = 0%\n"
        f"door = pipe\n[daemon]\nuser = {user}\nsocket = {root}/s/n\n"
        f"metrics.listen = 127.0.0.1:{port}\n[sending]\nstore.config = {root}/none\n"
    )
    config = load_config(source)
    create_spool(config.spool)
    config.journal.parent.mkdir()
    words = ["daemon", "--foreground"]
    process = subprocess.Popen(
        [sys.executable, "-m", "coresnap", "--config", str(source), *words],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "waits for crashes" in line:
                break
        assert any("metrics are served on" in line for line in lines), lines
        yield port
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def store(root: Path) -> Iterator[LiveServer]:
    (root / "store").mkdir()
    with running_server(root / "store", metrics_listen=("127.0.0.1", 0)) as live:
        yield live


@attrs.frozen
class Prometheus:
    """A Prometheus that runs, with our settings and rules."""

    address: str

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples of an instant query."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.address}/api/v1/query?{query}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples once there are any."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if found := self.ask(expression):
                    return found
            except OSError:
                pass  # it begins
            time.sleep(0.1)
        pytest.fail(f"no answer to {expression}")


@pytest.fixture
def prometheus(root: Path, daemon: int, store: LiveServer) -> Iterator[Prometheus]:
    """Ours but for the ports, and for how long it waits."""
    assert store.serving.metrics_address is not None
    settings = (MONITORING / "prometheus.yaml").read_text()
    settings = settings.replace(":9838", f":{daemon}")
    settings = settings.replace(":6099", f":{store.serving.metrics_address.port}")
    settings = re.sub(r"scrape_interval: \w+", "scrape_interval: 1s", settings)
    settings = f"global: {{evaluation_interval: 1s}}\n{settings}"
    (root / "prometheus.yaml").write_text(settings)
    rules = (MONITORING / "alerts.yaml").read_text()
    (root / "alerts.yaml").write_text(re.sub(r"for: \w+", "for: 1s", rules))
    port = free_port()
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={root}/prometheus.yaml",
            f"--storage.tsdb.path={root}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def test_prometheus_asks_both_and_raises_what_is_wrong(
    prometheus: Prometheus, store: LiveServer
) -> None:
    with store.client(Capability.ADMIN) as client:
        for number in range(3):
            client.post("faults", content=make_snapshot(number))

    [of_the_daemon] = prometheus.wait_for('up{job="coresnap"} == 1')
    [of_the_store] = prometheus.wait_for('up{job="coroner"} == 1')
    puts = 'coroner_requests_total{operation="post_fault",status="2xx"} == 3'
    [taken] = prometheus.wait_for(puts)
    [alert] = prometheus.wait_for(
        'ALERTS{alertname="CoresnapNotRegistered",alertstate="firing"}'
    )

    assert of_the_daemon["value"][1] == of_the_store["value"][1] == "1"
    assert taken["metric"]["job"] == "coroner"
    assert alert["metric"]["severity"] == "critical"
    assert alert["metric"]["job"] == "coresnap"
    # Neither is down, and both can be read.
    down = 'ALERTS{alertname=~"Cor.*Down|Cor.*Unreadable",alertstate="firing"}'
    assert prometheus.ask(down) == []
