"""The server as a process: TLS, signals, one directory, draining."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from coresnap.errors import ConfigError
from coresnap.store.server.listeners import Listener, parse_listener
from store.server.live import running_server
from store.server.process import ServerProcess
from store.server.snapshots import make_snapshot


def write_certificate(authority: trustme.CA, directory: Path) -> tuple[Path, Path]:
    """A certificate and its key, in the same files each time."""
    directory.mkdir(exist_ok=True)
    certificate, key = directory / "cert.pem", directory / "key.pem"
    made = authority.issue_cert("localhost", "127.0.0.1")
    certificate.write_bytes(b"".join(b.bytes() for b in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    return certificate, key


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def shown_certificate(url: str, context: ssl.SSLContext) -> bytes:
    host, _, port = url.partition("://")[2].partition(":")
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        certificate = secure.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate


def test_a_fresh_directory_becomes_a_store_with_one_token_that_only_its_owner_reads(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path / "data")
    url = server.start()
    with server.client(url) as client:
        sent = client.post("faults", content=make_snapshot())
    first = server.token
    server.end()
    server.start()
    again = server.token
    code = server.end()

    assert sent.status_code == 200
    assert code == 0
    assert again == first
    assert stat.S_IMODE((server.data / "coroner.cf").stat().st_mode) == 0o600
    logs = "".join(path.read_text() for path in server.data.glob("log*"))
    assert first not in logs
    text = (server.data / "coroner.cf").read_text()
    assert f"write = {url}\n" in text
    assert "read.ssl.enabled = false\n" in text


def test_a_second_server_on_the_same_directory_says_who_has_it(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path / "data")
    server.start()
    second = subprocess.run(
        server.words("127.0.0.1:0"), capture_output=True, text=True, check=False
    )
    assert second.returncode != 0
    assert "open already" in second.stderr
    assert server.process is not None
    assert server.process.poll() is None
    server.end()


def test_what_is_acknowledged_is_there_after_a_kill_at_any_moment(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path / "data")
    acknowledged: list[str] = []

    def send(client: httpx2.Client, first: int) -> None:
        for number in range(first, first + 10_000):
            try:
                answer = client.post("faults", content=make_snapshot(number))
            except httpx2.HTTPError:
                return
            if answer.status_code == 200:
                acknowledged.append(answer.json()["object"])

    for life in range(3):
        with server.client(server.start()) as client:
            sender = threading.Thread(target=send, args=(client, life * 10_000))
            sender.start()
            time.sleep(0.4 + 0.2 * life)
            server.end(signal.SIGKILL)
            sender.join()
    with server.client(server.start()) as client:
        deadline = time.monotonic() + 20
        known: set[str] = set()
        while time.monotonic() < deadline and not known >= set(acknowledged):
            query = {"select": ["object"], "limit": 10_000}
            rows = client.post("query", json=query).json()["rows"]
            objects = [row["values"][0] for row in rows]
            assert len(objects) == len(set(objects))
            known = set(objects)
            time.sleep(0.1)
        bodies = [client.get(f"faults/{o}").status_code for o in acknowledged[::20]]
    server.end()

    assert len(acknowledged) > 10
    assert known >= set(acknowledged)
    assert set(bodies) == {200}


def test_sigterm_lets_what_was_begun_be_finished(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    url = server.start()
    body = make_snapshot(7)
    port = int(url.rpartition(":")[2])
    head = (
        f"POST /post?token={server.token}&project=blackhole HTTP/1.1\r\n"
        f"Host: x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(head.encode() + body[:100])
        time.sleep(0.3)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port))
        slow.sendall(body[100:])
        answer = slow.makefile("rb").read()
    code = server.process.wait(30)

    assert answer.startswith(b"HTTP/1.1 200")
    assert code == 0


def test_tls_serves_and_a_new_certificate_is_shown_after_sighup(
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    certificate, key = write_certificate(authority, tmp_path / "tls")
    options = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    server = ServerProcess(tmp_path / "data", options, scheme="https")
    url, context = server.start(), trusting(authority)
    before = shown_certificate(url, context)
    with httpx2.Client(verify=context, base_url=url) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        write_certificate(authority, tmp_path / "tls")
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(rb"were read again")
        after = shown_certificate(url, context)
        certificate.write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(rb"what held goes on holding")
        still = shown_certificate(url, context)
        assert client.get("/healthz").status_code == 200
    server.end()

    assert before != after == still


def test_a_client_that_does_not_know_the_certificate_does_not_send(
    tmp_path: Path,
) -> None:
    certificate, key = write_certificate(trustme.CA(), tmp_path / "tls")
    fields: dict[str, Any] = {"tls_certificate": certificate, "tls_key": key}
    listen = ["https://127.0.0.1:0"]
    (tmp_path / "data").mkdir()
    with (
        running_server(tmp_path / "data", listen=listen, **fields) as live,
        live.client() as client,
        pytest.raises(httpx2.ConnectError),
    ):
        client.get("/healthz")


def test_several_addresses_serve_the_same(tmp_path: Path) -> None:
    certificate, key = write_certificate(authority := trustme.CA(), tmp_path / "tls")
    fields: dict[str, Any] = {"tls_certificate": certificate, "tls_key": key}
    listen = ["http://127.0.0.1:0", "https://127.0.0.1:0", "http://[::1]:0"]
    (tmp_path / "data").mkdir()
    with running_server(tmp_path / "data", listen=listen, **fields) as live:
        for address in live.serving.addresses:
            context = trusting(authority)
            answer = httpx2.get(f"{address}/healthz", verify=context)
            assert answer.json() == {"status": "ok"}


def test_limits_are_read_again_after_sighup(tmp_path: Path) -> None:
    settings = tmp_path / "coronerd.conf"
    settings.write_text("[limit]\nsnapshot = 1MiB\n")
    server = ServerProcess(tmp_path / "data", ("--settings", str(settings)))
    url = server.start()
    large = bytes(2000)
    with server.client(url) as client:
        before = client.post("faults", content=large)
        settings.write_text("[limit]\nsnapshot = 1kB\n[server]\nthreads = 3\n")
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(rb"threads: what is new waits for a restart")
        server.wait_for(rb"were read again")
        after = client.post("faults", content=large)
    server.end()

    assert (before.status_code, after.status_code) == (422, 413)


def test_the_service_manager_is_told_when_it_is_ready_and_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        server = ServerProcess(tmp_path / "data")
        server.start()
        told = [manager.recv(100) for _ in range(3)]
        server.end()
        while told[-1] != b"STOPPING=1":
            told.append(manager.recv(100))

    assert told[0] == b"READY=1"
    assert told[1] == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("http://127.0.0.1", Listener("http", "127.0.0.1", 6097)),
        ("https://0.0.0.0", Listener("https", "0.0.0.0", 6098)),
        ("https://[::]:4097", Listener("https", "::", 4097)),
        ("localhost:80", Listener("http", "localhost", 80)),
    ],
)
def test_an_address_says_scheme_host_and_port(text: str, wanted: Listener) -> None:
    assert parse_listener(text) == wanted


@pytest.mark.parametrize(
    "text", ["ftp://x", "http://", "http://x:y", "http://x:99999", "http://x/path"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_listener(text)


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = ServerProcess(tmp_path / "data")
        with pytest.raises(AssertionError, match="in use"):
            server.start(f"127.0.0.1:{port}")


def test_a_first_start_that_failed_takes_no_token_with_it(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = server.words(f"127.0.0.1:{taken.getsockname()[1]}")
        failed = subprocess.run(words, capture_output=True, check=False)
    assert b"in use" in failed.stderr
    url = server.start()

    with server.client(url) as client:
        assert client.post("faults", content=make_snapshot()).status_code == 200
    server.end()


def test_https_without_a_certificate_says_what_is_missing(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", scheme="https")
    with pytest.raises(AssertionError, match="certificate"):
        server.start()


@pytest.mark.linux
def test_its_readers_end_with_it_even_when_it_is_killed(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    with server.client(server.start()) as client:
        client.post("faults", content=make_snapshot())
    assert server.process is not None
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(server.process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    server.end(signal.SIGKILL)

    assert children
    deadline = time.monotonic() + 10
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, children))


def is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"
