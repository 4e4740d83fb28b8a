"""``coresnap metrics``: the daemon's numbers without the daemon."""

from __future__ import annotations

import stat

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from coresnap.collect.journal import Event, Journal
from coresnap.daemon.metrics import METRICS

from .operations import Bench

ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"


def test_it_prints_what_prometheus_reads(bench: Bench) -> None:
    with Journal(bench.config.journal) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.FINISHED, rung="full", parked=0.5)

    families = {f.name: f for f in parse(bench.run("metrics").output)}

    assert set(families) <= {metric.name for metric in METRICS}
    [ready] = [
        sample.value
        for sample in families["coresnap_archives"].samples
        if sample.labels == {"state": "ready"}
    ]
    assert ready == 1


def test_a_file_is_replaced_whole_and_readable_by_a_collector(bench: Bench) -> None:
    path = bench.directory / "coresnap.prom"
    path.write_text("old")

    answer = bench.run("metrics", "-o", str(path))

    assert (answer.code, answer.output) == (0, "")
    assert "coresnap_registered" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert not list(bench.directory.glob(".coresnap.prom*"))


def test_where_nothing_can_be_written_the_old_file_stays(bench: Bench) -> None:
    answer = bench.run("metrics", "-o", str(bench.directory / "none" / "x.prom"))

    assert answer.code == 74
    assert "cannot write" in answer.error


def test_without_its_library_it_says_what_to_install(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    answer = bench.run("metrics")

    assert answer.code == 78
    assert "pip install 'coresnap[metrics]'" in answer.error
