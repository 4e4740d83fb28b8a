"""What may be called, and that nothing else is."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trustme
from pytest_httpserver import HTTPServer

from coresnap.errors import ConfigError, DeliveryError
from coresnap.integrations.answer import post
from coresnap.integrations.reach import Reach
from integrations.telling import OWN

INSIDE = (
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)
OUTSIDE = ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8")


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_that_only_the_server_sees_are_not_called(address: str) -> None:
    reach = Reach(resolver=lambda host, port: [address])
    with pytest.raises(DeliveryError, match="may not be called") as raised:
        reach.addresses("innocent.example", 443)
    assert raised.value.is_final
    assert "[integrations]" in raised.value.remedy


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_called(address: str) -> None:
    reach = Reach(resolver=lambda host, port: [address])
    assert reach.addresses("example.com", 443) == (ipaddress.ip_address(address),)


def test_an_allowed_network_counts_also_behind_a_mapped_address() -> None:
    reach = Reach(allowed=(ipaddress.ip_network("10.1.0.0/16"),))
    assert reach.permits(ipaddress.ip_address("10.1.2.3"))
    assert reach.permits(ipaddress.ip_address("::ffff:10.1.2.3"))
    assert not reach.permits(ipaddress.ip_address("10.2.0.1"))


def test_of_several_addresses_only_the_public_ones_are_taken() -> None:
    reach = Reach(resolver=lambda host, port: ["127.0.0.1", "8.8.8.8", "8.8.8.8"])
    assert reach.addresses("mixed.example", 80) == (ipaddress.ip_address("8.8.8.8"),)


@pytest.fixture
def inside(httpserver: HTTPServer) -> HTTPServer:
    """A server that only this machine sees."""
    httpserver.expect_request("/").respond_with_data("secret")
    return httpserver


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"],
)
def test_no_way_of_writing_this_machine_leads_to_it(
    inside: HTTPServer, host: str
) -> None:
    with Reach(silence=5.0).client() as http, pytest.raises(DeliveryError):
        post(http, f"http://{host}:{inside.port}/", b"", {}, "it")
    assert inside.log == []


def test_a_name_is_resolved_once_for_a_connection_and_looked_at_each_time(
    inside: HTTPServer,
) -> None:
    """What a resolver that changes its mind says later is not where the call went."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    reach = attrs.evolve(OWN, resolver=rebinding)
    with reach.client() as http:
        url = f"http://re.example:{inside.port}/"
        assert post(http, url, b"", {}, "it").body == b"secret"
        assert asked == ["re.example"]
        with pytest.raises(DeliveryError, match=r"10\.0\.0\.1 is not a public"):
            post(http, url, b"", {}, "it")
    assert inside.log[0][0].headers["host"] == f"re.example:{inside.port}"


def test_redirections_are_answers(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/go").respond_with_data(
        status=302, headers={"location": httpserver.url_for("/secret")}
    )
    with OWN.client() as http:
        assert post(http, httpserver.url_for("/go"), b"", {}, "it").status == 302
    assert len(httpserver.log) == 1


def test_proxies_of_the_environment_are_not_asked(
    inside: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with OWN.client() as http:
        assert post(http, inside.url_for("/"), b"", {}, "it").status == 200


def test_an_answer_without_an_end_is_not_read_to_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("x" * (1 << 21))
    with OWN.client() as http, pytest.raises(DeliveryError, match="has no end"):
        post(http, httpserver.url_for("/"), b"", {}, "it")


def test_what_is_not_http_is_an_error_of_the_delivery(
    talker: Talker,
) -> None:
    talker.says = b"220 mail.example ESMTP\r\n"
    with OWN.client() as http, pytest.raises(DeliveryError, match="no answer from it"):
        post(http, f"http://127.0.0.1:{talker.port}/", b"", {}, "it")


def test_a_server_that_never_gets_to_the_end_is_left(talker: Talker) -> None:
    """Each byte comes in time, the answer does not."""
    talker.says = b"HTTP/1.1 200 OK\r\n" + b"x-long: " + b"y" * 10_000
    talker.pause = 0.05
    reach = attrs.evolve(OWN, silence=5.0, patience=0.3)
    with reach.client() as http, pytest.raises(DeliveryError, match="timed out"):
        post(http, f"http://127.0.0.1:{talker.port}/", b"", {}, "it")


def test_a_port_where_nobody_listens_is_worth_another_try() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with OWN.client() as http, pytest.raises(DeliveryError) as raised:
            post(http, f"http://127.0.0.1:{port}/", b"", {}, "it")
    assert not raised.value.is_final


def test_the_certificate_is_that_of_the_name_and_of_an_authority_we_know(
    tmp_path: Path, tls: HTTPServer, authority: trustme.CA
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    tls.expect_request("/").respond_with_data("safe")
    port = tls.port
    knows = attrs.evolve(OWN, authority=file, resolver=lambda h, p: ["127.0.0.1"])
    unknown = attrs.evolve(OWN, resolver=lambda h, p: ["127.0.0.1"])
    with knows.client() as http:
        assert post(http, f"https://good.example:{port}/", b"", {}, "it").status == 200
        with pytest.raises(DeliveryError, match=r"(?i)certificate"):
            post(http, f"https://other.example:{port}/", b"", {}, "it")
    with unknown.client() as http, pytest.raises(DeliveryError, match=r"(?i)certif"):
        post(http, f"https://good.example:{port}/", b"", {}, "it")


def test_an_authority_that_is_no_certificate_is_a_wrong_setting(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"\[integrations\] ca"):
        Reach(authority=file).client()


@attrs.define
class Talker:
    """Says something to whoever connects, a byte at a time if there is a pause."""

    listener: socket.socket
    says: bytes = b""
    pause: float = 0.0
    ended: threading.Event = attrs.field(factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        size = 1 if self.pause else len(self.says)
        try:
            for start in range(0, len(self.says), size):
                connection.sendall(self.says[start : start + size])
                if self.pause and self.ended.wait(self.pause):
                    return
        except OSError:
            return


@pytest.fixture
def talker() -> Iterator[Talker]:
    listener = socket.create_server(("127.0.0.1", 0))
    talker = Talker(listener)
    thread = threading.Thread(target=talker.run)
    thread.start()
    yield talker
    talker.ended.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("good.example").configure_cert(context)
    server = HTTPServer(host="127.0.0.1", ssl_context=context)
    server.start()
    yield server
    server.stop()
