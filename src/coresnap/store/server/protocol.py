"""HTTP/1.1 as uvicorn speaks it, with limits for those who speak it slowly."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Protocol"]

_HEAD_SECONDS = 15.0
"""From the first byte of a request to the end of its headers."""
_REST_SECONDS = 2.0
"""How long a body that nobody wants any more is taken, so that its sender sees the
answer: closing at once would reset the connection and lose it."""


class Protocol(H11Protocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(cast(asyncio.Transport, transport))
        # Its lines have the address with what is behind `?`, a token among it.
        self.access_log = False
        self._close_later(_HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            if self.cycle is not None and not self.cycle.response_complete:
                self._keep_open()
        elif self._timer is None and self.timeout_keep_alive_task is None:
            self._close_later(_HEAD_SECONDS)

    def on_response_complete(self) -> None:
        """End one request, and expect the next."""
        self._keep_open()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._close_later(_REST_SECONDS)
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._close_later(_HEAD_SECONDS)  # the next one has begun already

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._keep_open()
        super().connection_lost(exc)

    def _close_later(self, seconds: float) -> None:
        self._keep_open()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _keep_open(self) -> None:
        timer: Any = self._timer
        if timer is not None:
            timer.cancel()
            self._timer = None
