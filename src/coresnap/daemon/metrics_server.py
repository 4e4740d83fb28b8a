"""Answers ``GET /metrics`` over HTTP/1.1, and nothing else, in one thread.

Whoever can reach the address may be anybody, so everything is bounded: how many are
connected, how long a connection may take, how much it may say, and how much of a
processor looking takes. Each connection is for one request.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable

__all__ = ["CONNECTIONS", "HEAD_LIMIT", "SECONDS", "MetricsServer"]

CONNECTIONS = 16
"""At once; further ones are closed without an answer."""
HEAD_LIMIT = 8192
"""Bytes of a request."""
SECONDS = 5.0
"""From the beginning of a connection to its end."""
_LEAST_AGE = 1.0
_SHARE = 20
"""A page is shown for so many times as long as it took to make, and a second."""

Render = Callable[[str], tuple[bytes, str]]
"""Takes the header Accept, and returns a page with its content type."""


class MetricsServer:
    """Serves the pages that ``look`` returns on ``listener``."""

    def __init__(self, listener: socket.socket, look: Callable[[], Render]) -> None:
        """``look`` is called when a page is wanted and the last one is too old."""
        self._listener = listener
        self._look = look
        self._page: Render | None = None
        self._good_until = 0.0
        self._open = 0

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer until ``stop`` is set."""
        server = await asyncio.start_server(
            self._connected, sock=self._listener, limit=HEAD_LIMIT
        )
        async with server:
            await stop.wait()

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._open >= CONNECTIONS:
            writer.transport.abort()
            return
        self._open += 1
        try:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(SECONDS):
                    writer.write(await self._answer(reader))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _reply("431 Request Header Fields Too Large", "too large\n")
        except asyncio.IncompleteReadError:
            return b""
        line, *fields = head.decode("latin-1").split("\r\n")
        words = line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _reply("400 Bad Request", "this is no request\n")
        method, target, _ = words
        if target.partition("?")[0] != "/metrics":
            return _reply("404 Not Found", "there is /metrics here\n")
        if method not in ("GET", "HEAD"):
            reply = "405 Method Not Allowed\r\nAllow: GET, HEAD"
            return _reply(reply, "this takes GET\n")
        body, content_type = self._current(_accepted(fields))
        return _reply("200 OK", body, content_type, is_head=method == "HEAD")

    def _current(self, accept: str) -> tuple[bytes, str]:
        began = time.monotonic()
        if self._page is None or began >= self._good_until:
            self._page = self._look()
            now = time.monotonic()
            self._good_until = now + max(_LEAST_AGE, _SHARE * (now - began))
        return self._page(accept)


def _accepted(fields: list[str]) -> str:
    pairs = (field.partition(":") for field in fields)
    return ",".join(v.strip() for name, _, v in pairs if name.lower() == "accept")


def _reply(
    status: str,
    body: str | bytes,
    content_type: str = "text/plain; charset=utf-8",
    *,
    is_head: bool = False,
) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(data)}\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else data)
