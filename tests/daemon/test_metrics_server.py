"""Whoever asks for metrics, and however: all is bounded, and nobody is kept waiting."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import attrs
import pytest

from coresnap.daemon import metrics_server
from coresnap.daemon.metrics_server import (
    CONNECTIONS,
    HEAD_LIMIT,
    MetricsServer,
    Render,
)


@attrs.define
class Served:
    """A server in a thread, and how often it looked."""

    address: tuple[str, int]
    looks: list[str]

    def ask(self, request: bytes) -> bytes:
        """Send a request, and return everything that comes back."""
        with socket.create_connection(self.address) as connection:
            connection.settimeout(30)
            connection.sendall(request)
            return received(connection)


def received(connection: socket.socket) -> bytes:
    found = b""
    try:
        while chunk := connection.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return found


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(metrics_server, "SECONDS", 1.0)
    looks: list[str] = []

    def look() -> Render:
        looks.append("look")
        return lambda accept: (b"x_total 1\n", f"text/plain; for={accept}")

    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def serve() -> None:
        stop = asyncio.Event()
        begun.append((asyncio.get_running_loop(), stop))
        ready.set()
        await MetricsServer(listener, look).serve(stop)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        yield Served(address, looks)
    finally:
        loop, stop = begun[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()


GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_page_is_answered_and_the_connection_closed(served: Served) -> None:
    head, _, body = served.ask(GET).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in head
    assert b"Content-Length: 10" in head
    assert body == b"x_total 1\n"


def test_the_format_is_what_the_client_prefers(served: Served) -> None:
    request = b"GET /metrics?x HTTP/1.0\r\nACCEPT: a/b\r\naccept: c/d\r\n\r\n"

    assert b"text/plain; for=a/b,c/d\r\n" in served.ask(request)


def test_of_head_the_head_alone_is_answered(served: Served) -> None:
    answer = served.ask(GET.replace(b"GET", b"HEAD"))

    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 10" in answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /metrics/../metrics HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
        (b"rubbish\r\n\r\n", b"400"),
        (b"GET /metrics SPDY/9\r\n\r\n", b"400"),
        (b"\x00\xff\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nx: " + b"y" * 4 * HEAD_LIMIT, b"431"),
    ],
)
def test_anything_else_is_refused_with_a_reason(
    served: Served, request_: bytes, status: bytes
) -> None:
    answer = served.ask(request_)

    # A reset may overtake the answer to who goes on sending.
    assert answer == b"" or answer.startswith(b"HTTP/1.1 " + status)
    assert served.ask(GET).startswith(b"HTTP/1.1 200")


def test_who_says_half_of_it_is_left_alone(served: Served) -> None:
    with socket.create_connection(served.address) as connection:
        connection.sendall(b"GET /metr")
        connection.shutdown(socket.SHUT_WR)
        assert received(connection) == b""


def test_the_slow_are_closed_and_keep_nobody_else_waiting(served: Served) -> None:
    slow = [socket.create_connection(served.address) for _ in range(CONNECTIONS - 1)]
    for connection in slow:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n")

    assert served.ask(GET).startswith(b"HTTP/1.1 200")
    assert [received(connection) for connection in slow] == [b""] * len(slow)
    for connection in slow:
        connection.close()


def test_too_many_at_once_are_closed_without_an_answer(served: Served) -> None:
    idle = [socket.create_connection(served.address) for _ in range(CONNECTIONS + 4)]
    for connection in idle:
        connection.sendall(b"G")
    # All of them end, the last without waiting for a time limit.
    assert [received(connection) for connection in reversed(idle)] == [b""] * len(idle)
    assert served.ask(GET).startswith(b"HTTP/1.1 200")
    for connection in idle:
        connection.close()


def test_a_page_is_shown_to_all_who_ask_at_once(served: Served) -> None:
    for _ in range(5):
        served.ask(GET)

    assert len(served.looks) < 5
