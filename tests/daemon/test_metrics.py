"""What monitors are told, as Prometheus' own parsers read it."""

from __future__ import annotations

import math
import re
from pathlib import Path

import attrs
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from coresnap.backends.fake import FakeBackend
from coresnap.collect.admission import Admission
from coresnap.collect.journal import Event, Journal, State
from coresnap.collect.overview import Overview, Unknown, read_overview
from coresnap.collect.sending_state import SendingState, SetAside
from coresnap.collect.spool import create_spool
from coresnap.config import Config, load_config
from coresnap.daemon.metrics import METRICS
from coresnap.daemon.metrics_page import metrics_page

DOCS = Path(__file__).parents[2] / "docs"
ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = attrs.evolve(load_config(Path("/dev/null")), root=tmp_path)
    create_spool(config.spool)
    config.journal.parent.mkdir()
    return config


@pytest.fixture
def overview(config: Config) -> Overview:
    with Journal(config.journal) as journal:
        for number, parked in enumerate((0.004, 0.2, 0.2, 300)):
            journal.record(f"{number:032x}", Event.ARRIVED)
            journal.record(f"{number:032x}", Event.FINISHED, rung="full", parked=parked)
        journal.record(f"{0:032x}", Event.SENT)
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.GAVE_UP, reason='evil"} 1\n', verdict="hopeless")
    found = read_overview(config, FakeBackend())
    aside = (SetAside(f"{1:032x}", "died"),)
    return attrs.evolve(
        found,
        admission=Admission(12, 5, 6, 1),
        sending=SendingState("https://store", "it is away", 1_700_000_000, aside),
    )


Values = dict[tuple[str, str], float]


def values(overview: Overview) -> Values:
    """Sample and its label's value to the number, read by Prometheus' parser."""
    page, content_type = metrics_page(overview)
    assert content_type.startswith("text/plain; version=")
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in parse(page.decode())
        for sample in family.samples
    }


def test_numbers_are_those_of_the_overview(overview: Overview) -> None:
    found = values(overview)

    assert found["coresnap_crashes_total", "suppressed"] == 6
    assert found["coresnap_crashes_kept_total", "full"] == 4
    assert found["coresnap_archives", "ready"] == 3
    assert found["coresnap_events_total", "gave-up"] == 1
    assert found["coresnap_workers_total", "hopeless"] == 1
    assert found["coresnap_oldest_seconds", "ready"] > 0
    assert found["coresnap_oldest_seconds", "waiting"] == 0
    assert found["coresnap_sending_trouble", ""] == 1
    assert found["coresnap_sending_aside", ""] == 1
    assert found["coresnap_registered", ""] == 0
    assert found["coresnap_disk_bytes", ""] > 0


def test_the_time_held_is_a_histogram_that_grows(overview: Overview) -> None:
    found = values(overview)
    buckets = {
        float(label): value
        for (name, label), value in found.items()
        if name == "coresnap_parked_seconds_bucket"
    }

    assert (buckets[0.01], buckets[0.1], buckets[0.25], buckets[120]) == (1, 1, 3, 3)
    assert buckets[math.inf] == found["coresnap_parked_seconds_count", ""] == 4
    assert found["coresnap_parked_seconds_sum", ""] == pytest.approx(300.404)
    assert list(buckets.values()) == sorted(buckets.values())


def test_every_metric_is_told_and_no_other(overview: Overview) -> None:
    page, _ = metrics_page(overview)

    families = {f.name: f for f in parse(page.decode())}

    assert list(families) == [metric.name for metric in METRICS]
    for metric in METRICS:
        assert families[metric.name].type == metric.kind
        labels = {name for s in families[metric.name].samples for name in s.labels}
        assert labels - {"le"} == ({metric.label} if metric.label else set())


def test_openmetrics_is_told_to_who_asks_for_it(overview: Overview) -> None:
    page, content_type = metrics_page(overview, "application/openmetrics-text")

    assert content_type.startswith("application/openmetrics-text")
    families = parse_openmetrics(page.decode())  # type: ignore[no-untyped-call]
    names = [family.name for family in families]
    assert names == [metric.name for metric in METRICS]


def test_what_cannot_be_read_is_absent_and_said_to_be(overview: Overview) -> None:
    unknown = Unknown("no")

    found = values(attrs.evolve(overview, journal=unknown, disk=unknown))

    assert found["coresnap_readable", "journal"] == 0
    assert found["coresnap_readable", "spool"] == 1
    assert not [name for name, _ in found if name.startswith("coresnap_archives")]
    assert not [name for name, _ in found if name.startswith("coresnap_disk")]


def test_there_are_as_many_series_with_many_crashes_as_with_none(
    config: Config,
) -> None:
    Journal(config.journal).close()
    none = read_overview(config, FakeBackend())
    with Journal(config.journal) as journal:
        for number in range(50):
            journal.record(f"{number:032x}", Event.ARRIVED)
            journal.record(f"{number:032x}", Event.FINISHED, rung=f"evil{number}\n")
    many = read_overview(config, FakeBackend())

    more = values(many).keys() - values(none).keys()

    assert more == {("coresnap_last_crash_timestamp_seconds", "")}
    assert values(many)["coresnap_crashes_kept_total", "other"] == 50


def test_every_metric_is_documented_as_it_is() -> None:
    page = (DOCS / "metrics.md").read_text()
    table = page.partition("## Of a host")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\S+) \| (.*) \|$", table, re.MULTILINE)

    assert rows == [
        (
            m.name + ("_total" if m.kind == "counter" else ""),
            m.kind,
            f"`{m.label}`" if m.label else "–",
            m.meaning,
        )
        for m in METRICS
    ]


def test_every_state_but_gone_is_told(overview: Overview) -> None:
    told = {label for name, label in values(overview) if name == "coresnap_archives"}

    assert told == {str(state) for state in State if state is not State.GONE}
