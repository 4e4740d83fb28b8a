"""The client against a real server."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from coresnap.config.store_config import StoreConfig
from coresnap.errors import (
    ConflictError,
    DeniedError,
    MissingError,
    NetworkError,
    QueryError,
    SnapshotFormatError,
)
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.faults import GET_FAULT
from coresnap.store.api.queries import DESCRIBE, QUERY
from coresnap.store.api.service import HEALTH
from coresnap.store.client import putting
from coresnap.store.client.client import Client, open_client
from coresnap.store.client.connection import Patience
from coresnap.store.client.putting import Pace, put_snapshot
from coresnap.store.query.query import Condition, Operator, Query
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot

IMPATIENT = Patience(tries=2, first=0.01)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    with running_server(tmp_path) as server:
        yield server


def client_of(live: LiveServer, *capabilities: Capability) -> Client:
    token = live.token(*(capabilities or (Capability.POST, Capability.QUERY)))
    config = StoreConfig("cf", live.url, live.url, tokens={"t": token})
    return open_client(config, "blackhole", "t", patience=IMPATIENT)


def test_a_snapshot_that_is_put_can_be_asked_for_and_got(live: LiveServer) -> None:
    body = make_snapshot(1, kind=3)
    with client_of(live) as client:
        accepted = put_snapshot(client, io.BytesIO(body))
        again = put_snapshot(client, io.BytesIO(body))
        live.wait_until_indexed()
        result = client.call(QUERY, Query(select=("object", "hostname")))
        target = io.BytesIO()
        size = client.download(GET_FAULT, target, object=accepted.object)
        names = {one.name for one in client.call(DESCRIBE).attributes}

    assert accepted.object == f"{1:032x}"
    assert accepted.is_new_group
    assert again.is_duplicate
    assert result.rows[0].values == (accepted.object, "host-1")
    assert (target.getvalue(), size) == (body, len(body))
    assert {"hostname", "callstack"} <= names


def test_who_sees_a_certificate_of_another_time_is_told_to_look_at_the_clock(
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    made = authority.issue_cert("127.0.0.1", not_after=yesterday)
    certificate, trusted = tmp_path / "cert.pem", tmp_path / "ca.pem"
    made.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(trusted))
    data = tmp_path / "data"
    data.mkdir()
    with running_server(
        data,
        listen=["https://127.0.0.1:0"],
        tls_certificate=certificate,
        tls_key=certificate,
    ) as live:
        config = StoreConfig("cf", live.url, live.url, authority=trusted, tokens={})
        client = open_client(config, "blackhole", "", patience=Patience(tries=1))
        with client, pytest.raises(NetworkError) as caught:
            client.call(HEALTH)

    assert "clock" in caught.value.remedy


def test_a_large_snapshot_travels_in_pieces_and_goes_on_where_it_broke(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(putting, "_AT_ONCE", 64)
    monkeypatch.setattr(putting, "_PIECE", 50)
    body = make_snapshot(2, note="x" * 300)
    seen: list[int] = []

    def break_at_the_third(sent: int, size: int) -> None:
        seen.append(sent)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with client_of(live) as client:
        with pytest.raises(KeyboardInterrupt):
            put_snapshot(client, io.BytesIO(body), progress=break_at_the_third)
        first = list(seen)
        accepted = put_snapshot(
            client, io.BytesIO(body), progress=lambda sent, size: seen.append(sent)
        )

    assert accepted.object == f"{2:032x}"
    assert seen[len(first)] > first[-2], "the pieces that were there were sent again"
    assert seen[-1] == len(body)


def test_errors_of_the_server_are_raised_as_what_they_were(live: LiveServer) -> None:
    with client_of(live) as client:
        put_snapshot(client, io.BytesIO(make_snapshot(1)))
        with pytest.raises(ConflictError, match="is there already"):
            put_snapshot(client, io.BytesIO(make_snapshot(1, hostname="other")))
        with pytest.raises(SnapshotFormatError):
            put_snapshot(client, io.BytesIO(b"no snapshot"))
        with pytest.raises(MissingError):
            client.download(GET_FAULT, io.BytesIO(), object="0" * 32)
        with pytest.raises(QueryError):
            client.call(
                QUERY,
                Query(filter=Condition("hostnme", Operator.EQUAL, "x")),
            )


def test_a_token_allows_what_it_says_and_no_more(live: LiveServer) -> None:
    with client_of(live, Capability.POST) as client, pytest.raises(DeniedError):
        client.call(QUERY, Query())


def test_a_store_that_is_away_is_tried_again_and_then_named(live: LiveServer) -> None:
    waited: list[float] = []
    config = StoreConfig("cf", "http://127.0.0.1:9", "http://127.0.0.1:9")
    client = open_client(config, "blackhole", "", patience=Patience(3, 0.01))
    client.connection._sleep = waited.append

    with client, pytest.raises(NetworkError, match=r"127\.0\.0\.1:9") as caught:
        client.call(HEALTH)
    assert len(waited) == 2
    assert "coroner serve" in caught.value.remedy


def test_pauses_grow_are_bounded_and_obey_the_server() -> None:
    patience = Patience(tries=30, first=0.5)

    assert 0.25 <= patience.pause(1, None) <= 0.5
    assert 1 <= patience.pause(3, None) <= 2
    assert patience.pause(25, None) <= 60
    assert patience.pause(1, 7.0) == 7.0
    assert patience.pause(1, 10_000.0) == 60


def test_a_pace_lets_no_more_pass_than_it_says() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(1000, clock=lambda: now[0], sleep=sleep)
    for _ in range(10):
        pace.wait(500)

    assert now[0] == pytest.approx(5.0)
