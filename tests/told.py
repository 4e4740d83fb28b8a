"""What monitors are really told: each sample with its labels, of a host and a store."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import attrs
import prometheus_client.parser

from coresnap.backends.fake import FakeBackend
from coresnap.collect.admission import Admission
from coresnap.collect.journal import Event, Journal
from coresnap.collect.overview import read_overview
from coresnap.collect.sending_state import SendingState
from coresnap.collect.spool import create_spool
from coresnap.config import load_config
from coresnap.daemon.metrics_page import metrics_page
from coresnap.store.api.endpoint import Capability
from store.server.live import running_server
from store.server.snapshots import make_snapshot

__all__ = ["told_by_a_host", "told_by_a_store"]

Told = dict[str, set[str]]
"""Sample to the names of its labels."""


def told_by_a_host(root: Path) -> Told:
    """What a host tells that has caught, sent and suppressed."""
    config = attrs.evolve(load_config(Path("/dev/null")), root=root)
    create_spool(config.spool)
    config.journal.parent.mkdir()
    with Journal(config.journal) as journal:
        journal.record("0" * 32, Event.ARRIVED)
        journal.record("0" * 32, Event.FINISHED, rung="full", parked=0.1)
        journal.record("0" * 32, Event.SENT)
    overview = attrs.evolve(
        read_overview(config, FakeBackend()),
        admission=Admission(2, 1, 1, 0),
        sending=SendingState("https://store"),
    )
    return _told(metrics_page(overview)[0].decode())


def told_by_a_store(data: Path) -> Told:
    """What a store tells that has taken, refused and indexed."""
    with running_server(data, metrics_listen=("127.0.0.1", 0)) as live:
        with live.client(Capability.ADMIN) as client:
            client.post("faults", content=make_snapshot())
            client.post("faults", content=b"nonsense")
        live.wait_until_indexed()
        address = f"{live.serving.metrics_address}/metrics"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return _told(answer.read().decode())


def _told(text: str) -> Told:
    parse = prometheus_client.parser.text_string_to_metric_families
    told: Told = {}
    for family in parse(text):
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    return told
