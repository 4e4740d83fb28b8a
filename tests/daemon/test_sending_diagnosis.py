"""The part of the doctor that looks towards the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.backends.base import Finding, Level
from coresnap.collect.journal import Event, Journal
from coresnap.collect.sending_state import (
    SendingState,
    SetAside,
    write_sending_state,
)
from coresnap.config import Config
from coresnap.daemon import sending_diagnosis
from coresnap.daemon.sending_diagnosis import diagnose_sending
from coresnap.store.api.endpoint import Capability
from daemon.test_sending import write_config
from store.server.live import LiveServer, running_server

FIRST, SECOND = "1" * 32, "2" * 32
HOUR = 3600.0


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with running_server(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "host" / "journal").mkdir(parents=True)
    return tmp_path


def healthy(directory: Path, live: LiveServer) -> Config:
    config = write_config(directory, live.url, live.token(Capability.POST))
    config.journal.parent.mkdir(exist_ok=True, parents=True)
    return config


def found(config: Config) -> dict[str, Finding]:
    findings = diagnose_sending(config)
    for finding in findings:
        assert bool(finding.remedy) == (finding.level is not Level.OK), finding
    return {finding.check: finding for finding in findings}


def put(config: Config, *ids: str, project: str = "blackhole") -> None:
    with Journal(config.journal) as journal:
        for archive_id in ids:
            journal.record(archive_id, Event.ARRIVED)
            journal.record(archive_id, Event.FINISHED, project=project)


def test_all_is_well_between_a_host_and_its_store(
    directory: Path, live: LiveServer
) -> None:
    findings = found(healthy(directory, live))

    assert set(findings) == {"store", "store-clock", "store-token", "sending"}
    assert {finding.level for finding in findings.values()} == {Level.OK}
    assert live.url in findings["store"].message


def test_without_a_store_nothing_is_wrong(directory: Path) -> None:
    path = directory / "coresnap.conf"
    path.write_text(
        f"[archive]\nroot = {directory}\n[sending]\nstore.config = {directory}/no.cf\n"
    )
    from coresnap.config import load_config

    (finding,) = diagnose_sending(load_config(path))
    assert finding.level is Level.OK
    assert "stay on this machine" in finding.message

    (directory / "no.cf").write_text("[universe]\n#write = https://x\n")

    (finding,) = diagnose_sending(load_config(path))
    assert finding.level is Level.OK
    assert "no.cf names no store" in finding.message


def test_a_coroner_cf_with_a_mistake_is_named(directory: Path) -> None:
    config = write_config(directory, "http://127.0.0.1:9", "0" * 64)
    assert config.store_file is not None
    config.store_file.write_text("[universe]\nwrit = x\n")

    finding = found(config)["store"]

    assert finding.level is Level.FAIL
    assert "coroner.cf:2" in finding.message


def test_a_store_that_does_not_answer_fails(directory: Path) -> None:
    config = write_config(directory, "http://127.0.0.1:9", "0" * 64)

    findings = found(config)

    assert findings["store"].level is Level.FAIL
    assert "127.0.0.1:9" in findings["store"].message
    assert "store-token" not in findings


def test_a_token_that_the_store_does_not_know_fails(
    directory: Path, live: LiveServer
) -> None:
    findings = found(write_config(directory, live.url, "0" * 64))

    assert findings["store"].level is Level.OK
    assert findings["store-token"].level is Level.FAIL


def test_a_token_that_allows_too_little_fails(
    directory: Path, live: LiveServer
) -> None:
    config = write_config(directory, live.url, live.token(Capability.QUERY))

    assert found(config)["store-token"].level is Level.FAIL


def test_a_project_that_crashes_are_routed_to_has_to_be_there(
    directory: Path, live: LiveServer
) -> None:
    config = healthy(directory, live)
    put(config, FIRST, project="nowhere")

    finding = found(config)["store-token"]

    assert finding.level is Level.FAIL
    assert "nowhere" in finding.message


@pytest.mark.parametrize(
    ("offset", "level", "said"),
    [
        (30, Level.OK, "the same time"),
        (3 * HOUR, Level.WARN, "3.0 hours behind the store's"),
        (-3 * HOUR, Level.WARN, "3.0 hours ahead of the store's"),
    ],
)
def test_a_clock_that_is_off_by_much_is_told(
    directory: Path,
    live: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    offset: float,
    level: Level,
    said: str,
) -> None:
    class Elsewhere:
        time = staticmethod(lambda: time.time() - offset)

    monkeypatch.setattr(sending_diagnosis, "time", Elsewhere)
    finding = found(healthy(directory, live))["store-clock"]

    assert finding.level is level
    assert said in finding.message


def test_the_queue_is_as_old_as_its_oldest(
    directory: Path, live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = healthy(directory, live)
    put(config, FIRST, SECOND)
    assert found(config)["sending"].level is Level.OK
    monkeypatch.setattr(sending_diagnosis, "_LONG_SECONDS", -1)

    finding = found(config)["sending"]

    assert finding.level is Level.WARN
    assert finding.message.startswith("2 snapshots wait for the store, the oldest for")


def test_what_keeps_the_daemon_from_sending_is_told(
    directory: Path, live: LiveServer
) -> None:
    config = healthy(directory, live)
    put(config, FIRST)
    state = SendingState(live.url, "the sender ended; it is started with coresnapd")
    write_sending_state(config.sending_state, state)

    finding = found(config)["sending"]

    assert finding.level is Level.WARN
    assert "the sender ended" in finding.message


def test_what_was_refused_or_set_aside_is_told_with_what_sends_it_again(
    directory: Path, live: LiveServer
) -> None:
    config = healthy(directory, live)
    put(config, FIRST, SECOND)
    with Journal(config.journal) as journal:
        journal.record(FIRST, Event.REFUSED, reason="too large")
    gone = SetAside("3" * 32, "it is no longer there")
    aside = SetAside(SECOND, "the process that sends died of SIGSEGV over it 3 times")
    state = SendingState(live.url, aside=(aside, gone))
    write_sending_state(config.sending_state, state)

    findings = found(config)

    assert findings["sending-refused"].message == (
        f"1 refused by the store; the last, {FIRST}: too large"
    )
    assert findings["sending-refused"].remedy == f"coresnap retry sending/{FIRST}"
    assert findings["sending-aside"].message == (
        f"1 set aside and not sent; the last, {SECOND}: {aside.reason}"
    )
    assert findings["sending-aside"].remedy == f"coresnap retry sending/{SECOND}"
