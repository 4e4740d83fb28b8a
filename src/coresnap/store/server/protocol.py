"""HTTP/1.1 as uvicorn speaks it, with limits for those who speak it slowly."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["Protocol"]

_HEAD_LIMIT = 32 * 1024
"""Bytes of a request's headers, as long as they do not end."""
_HEAD_SECONDS = 15.0
"""From the first byte of a request to the end of its headers."""
_REST_SECONDS = 2.0
"""How long a body that nobody wants any more is taken, so that its sender sees the
answer: closing at once would reset the connection and lose it."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    _head: int = 0
    """Bytes that have come since headers or a body ended."""
    _is_begun = False
    """A request has begun to come, and is not there yet."""
    _is_body = False
    """Of what has begun, the headers are there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(cast(asyncio.Transport, transport))
        # Its lines have the address with what is behind `?`, a token among it.
        self.access_log = False
        self._close_later(_HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._head += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_begun and not self._is_body and self._head > _HEAD_LIMIT:
            self.send_400_response("The headers do not end.")
        elif self._is_answering:
            self._keep_open()
        elif self._timer is None and self.timeout_keep_alive_task is None:
            self._close_later(_HEAD_SECONDS)

    def on_message_begin(self) -> None:
        """Expect headers."""
        self._is_begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Expect a body."""
        self._is_body = True
        self._head = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next request."""
        self._is_begun = self._is_body = False
        self._head = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """End one request, and expect the next."""
        self._keep_open()
        super().on_response_complete()
        if self._is_body and not self._is_answering:
            self._close_later(_REST_SECONDS)
        elif self._is_begun:
            self._close_later(_HEAD_SECONDS)  # the next one has begun already

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._keep_open()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _close_later(self, seconds: float) -> None:
        self._keep_open()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _keep_open(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
