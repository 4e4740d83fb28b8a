"""Requests that are malformed, too large, too slow or too many."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from coresnap.errors import NoSpaceError, StorageError
from coresnap.snapshot.zstandard import zstd
from coresnap.store.api.endpoint import Capability
from coresnap.store.server import protocol, requests
from coresnap.store.server.staging import StagingFile
from store.server.live import Client, LiveServer
from store.server.snapshots import make_snapshot


@pytest.fixture
def client(live: LiveServer) -> Iterator[Client]:
    with live.client(Capability.ADMIN) as client:
        yield client


def talk(live: LiveServer, text: bytes, *, close: bool = False) -> bytes:
    """Send raw bytes and return all that comes until the server closes."""
    address = live.serving.addresses[0]
    with socket.create_connection((address.host, address.port)) as connection:
        connection.sendall(text)
        if close:
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(20)
        return connection.makefile("rb").read()


# --- malformed ----------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"limit": "many"}',
        b'{"filter": {"type": "nonsense"}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"filter":' + b'{"type":"all","parts":[' * 20_000,
        b'{"limit": 1e999}',
        b'{"offset": 99999999999999999999999999}',
    ],
)
def test_a_body_that_is_no_query_is_refused_with_the_reason(
    client: Client, body: bytes
) -> None:
    answer = client.post("query", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["class"] in ("UsageError", "QueryError")


@pytest.mark.parametrize(
    "parameters",
    [
        {"nonsense": "1"},
        {"replace": "maybe"},
        [("replace", "true"), ("replace", "true")],
    ],
)
def test_parameters_that_are_not_declared_are_refused(
    client: Client, parameters: dict[str, str] | list[tuple[str, str]]
) -> None:
    answer = client.post("faults", params=parameters, content=make_snapshot())

    assert answer.status_code == 400
    assert "parameter" in answer.json()["error"]["message"]


def test_an_address_that_is_not_there_and_a_method_that_is_not_taken(
    client: Client,
) -> None:
    nowhere = client.get("/api/v2/everything")
    method = client.request("PATCH", "query")

    assert nowhere.status_code == 404
    assert nowhere.json()["error"]["class"] == "MissingError"
    assert method.status_code == 405
    assert method.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
        b"Content-Length: 2\r\n\r\nx",
        b"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    ],
)
def test_what_is_no_http_is_refused_and_the_next_is_served(
    live: LiveServer, text: bytes
) -> None:
    answer = talk(live, text, close=True)

    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200")) or answer == b""
    with live.client() as client:
        assert client.get("/healthz").status_code == 200


def test_a_body_with_an_encoding_is_refused(client: Client) -> None:
    body = gzip.compress(make_snapshot())
    answer = client.post("faults", content=body, headers={"content-encoding": "gzip"})

    assert answer.status_code == 415


# --- too large, too slow, too many --------------------------------------------


def test_a_request_that_is_larger_than_requests_are_is_refused(
    live: LiveServer, client: Client
) -> None:
    body = b" " * (live.server.config.limit_request + 1)

    assert client.post("query", content=body).status_code == 413


def test_headers_that_do_not_end_are_not_waited_for(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.3)
    for begun in (b"", b"GET /healthz HTTP/1.1\r\n", b"GET /he"):
        assert talk(live, begun) == b""


def test_headers_of_a_second_request_are_not_waited_for_either(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.3)
    answer = talk(live, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /heal")

    assert answer.count(b"HTTP/1.1 200") == 1


def test_a_body_that_does_not_come_is_not_waited_for(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_IDLE_SECONDS", 0.3)
    secret = live.token(Capability.POST, project="blackhole")
    head = f"POST /post?token={secret} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    answer = talk(live, head.encode() + b"abc")

    assert answer.startswith(b"HTTP/1.1 408")


def test_a_body_that_drips_is_not_waited_for(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_IDLE_SECONDS", 0.3)
    secret = live.token(Capability.POST, project="blackhole")
    head = (
        f"POST /post?token={secret} HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"
    )
    address = live.serving.addresses[0]
    with socket.create_connection((address.host, address.port)) as connection:
        connection.sendall(head.encode())
        connection.settimeout(20)
        for _ in range(40):
            try:
                connection.sendall(b"x")
            except OSError:
                break
            time.sleep(0.05)
        answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 408")


def test_a_body_that_nobody_wants_does_not_hide_the_answer(live: LiveServer) -> None:
    size = 8 << 20
    head = f"POST /post?token=0 HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
    answer = talk(live, head.encode() + bytes(size), close=True)

    assert answer.startswith(b"HTTP/1.1 401")


def test_more_requests_than_the_server_works_on_are_asked_to_come_again(
    live: LiveServer, client: Client
) -> None:
    live.server.counters.active += live.server.config.limit_requests
    answer = client.get("limits")
    live.server.counters.active -= live.server.config.limit_requests

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert client.get("limits").status_code == 200


def test_slow_questions_do_not_hold_up_what_is_sent(
    live: LiveServer, client: Client
) -> None:
    release = threading.Event()
    for _ in range(live.server.config.threads + 2):
        live.server.answering.submit(release.wait, 20)
    try:
        assert client.post("faults", content=make_snapshot()).status_code == 200
    finally:
        release.set()


# --- failing ------------------------------------------------------------------


def test_a_place_that_fails_is_told_with_when_to_try_again(
    live: LiveServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the bucket is away", remedy="Look at it.")

    monkeypatch.setattr(type(live.server.store.objects), "put", fail)
    answer = client.post("faults", content=make_snapshot())

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["error"] == {
        "class": "StorageError",
        "message": "the bucket is away",
        "remedy": "Look at it.",
    }
    assert any("the bucket is away" in line for line in live.log.lines)


def test_a_full_disk_is_told_and_the_next_snapshot_is_taken(
    live: LiveServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: StagingFile) -> None:
        raise NoSpaceError("there is no room for it")

    with monkeypatch.context() as patch:
        patch.setattr(StagingFile, "flush", fail)
        full = client.post("faults", content=make_snapshot())

    assert full.status_code == 507
    assert full.headers["retry-after"]
    assert client.post("faults", content=make_snapshot()).status_code == 200


def test_staging_on_a_full_disk_is_no_room(tmp_path: Path) -> None:
    file = StagingFile(tmp_path)
    with Path("/dev/full").open("wb", buffering=0) as full:
        file._file = full
        file.add(b"x")
        with pytest.raises(NoSpaceError):
            file.flush()


@pytest.mark.linux
def test_a_client_that_goes_away_leaves_nothing_behind(live: LiveServer) -> None:
    secret = live.token(Capability.POST, project="blackhole")
    head = f"POST /post?token={secret} HTTP/1.1\r\nHost: x\r\n"
    head += f"Content-Length: {4 << 20}\r\n\r\n"
    assert talk(live, head.encode() + bytes(1 << 20), close=True) == b""
    before = what_clients_can_leave()
    for _ in range(20):
        assert talk(live, head.encode() + bytes(1 << 20), close=True) == b""
    with live.client() as client:
        assert client.get("/healthz").status_code == 200
    deadline = time.monotonic() + 60
    while what_clients_can_leave() > before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def what_clients_can_leave() -> int:
    """Descriptors of this process that are connections, or files without a name.

    Others come and go: threads of the server open databases of their own.
    """
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            link = os.readlink(f"/proc/self/fd/{name}")
            count += link.startswith("socket:") or "(deleted)" in link
    return count


def test_what_nobody_expected_gets_a_number_and_no_traceback(
    live: LiveServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr(type(live.server.store.objects), "put", fail)
    answer = client.post("faults", content=make_snapshot())

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (line,) = [line for line in live.log.lines if "unexpectedly" in line]
    number = line.partition("(")[2].partition(")")[0]
    assert number in answer.json()["error"]["message"]
    assert "ZeroDivisionError" in line


def test_nothing_that_was_sent_stands_in_a_log(
    live: LiveServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = str(client.http.headers["authorization"]).partition(" ")[2]
    canary = "c4n4ry"
    client.post("faults", content=make_snapshot(secret=canary))
    client.post("query", content=canary.encode())
    client.get(f"/post?token={secret}&x={canary}")

    ours = [r for r in caplog.records if not r.name.startswith("http")]
    said = "\n".join([*live.log.lines, *(r.getMessage() for r in ours)])
    assert secret not in said
    assert canary not in said


# --- answers ------------------------------------------------------------------


def test_a_long_answer_is_compressed_as_the_client_likes(client: Client) -> None:
    plain = client.get("attributes", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    wanted = plain.json()
    for encoding, unpack in (("gzip", gzip.decompress), ("zstd", zstd.decompress)):
        where = f"{client.scope}/attributes"
        headers = {"accept-encoding": encoding}
        with client.http.stream("GET", where, headers=headers) as answer:
            raw = b"".join(answer.iter_raw())
            assert answer.headers["content-encoding"] == encoding
        assert len(raw) < len(plain.content)
        assert json.loads(unpack(raw)) == wanted


def test_no_answer_is_kept_or_taken_for_something_else(client: Client) -> None:
    for answer in (client.get("limits"), client.get("/nowhere"), client.get("query")):
        if answer.status_code != 404:
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


def test_what_takes_too_long_is_given_up_by_who_waits_and_done_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from store.server.live import running_server

    release = threading.Event()
    with (
        running_server(tmp_path, limit_time=1) as live,
        live.client(Capability.ADMIN) as client,
    ):
        objects = type(live.server.store.objects)
        put = objects.put

        def wait(self: object, key: str, body: BinaryIO, size: int) -> bool:
            release.wait(20)
            return put(self, key, body, size)  # type: ignore[arg-type]

        monkeypatch.setattr(objects, "put", wait)
        late = client.post("faults", content=make_snapshot(7))
        release.set()
        deadline = time.monotonic() + 10
        while client.get(f"faults/{7:032x}").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        again = client.post("faults", content=make_snapshot(7)).json()

    assert late.status_code == 503
    assert late.headers["retry-after"]
    assert again["is_duplicate"]
