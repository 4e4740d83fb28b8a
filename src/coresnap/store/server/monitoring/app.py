"""``GET /metrics``, on an address of its own.

It names every universe's projects, which no token may see: who can reach the address
may read it. It asks the state in a thread of its own, so that a state that is slow
keeps no request waiting, and answers without it after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import attrs
from prometheus_client import Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from coresnap.store.server.answers import Reply
from coresnap.store.server.monitoring.own import OwnNumbers
from coresnap.store.server.monitoring.shared import SharedNumbers
from coresnap.store.server.server import Server

__all__ = ["CONNECTIONS", "MetricsApp"]

CONNECTIONS = 16
"""To its address at once."""
_PATIENCE = 5.0
"""Seconds that the state may take; a scrape has ten by default."""
_TEXT = {"content-type": "text/plain; charset=utf-8"}


@attrs.define
class MetricsApp:
    """The whole application of that address."""

    server: Server
    _shared: SharedNumbers = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: SharedNumbers(self.server.store), takes_self=True
        ),
    )
    _process: ProcessCollector = attrs.field(
        factory=lambda: ProcessCollector(namespace="coroner", registry=None)
    )
    _threads: ThreadPoolExecutor = attrs.field(
        factory=lambda: ThreadPoolExecutor(1, "metrics")
    )
    _asking: asyncio.Future[list[Metric]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever it is."""
        if scope["path"] != "/metrics":
            await Reply(404, b"there is /metrics here\n", _TEXT).send(send)
        elif scope["method"] not in ("GET", "HEAD"):
            refused = {**_TEXT, "allow": "GET, HEAD"}
            await Reply(405, b"this takes GET\n", refused).send(send)
        else:
            accept = Headers(scope=scope).get("accept", "")
            encode, content_type = choose_encoder(accept)
            body = encode(_Parts((*await self._shared_now(), *self._own())))
            reply = Reply(200, body, {"content-type": content_type})
            await reply.send(send, is_head=scope["method"] == "HEAD")

    def _own(self) -> Iterator[Metric]:
        yield from OwnNumbers(self.server).collect()
        yield from self._process.collect()
        yield from self.server.instruments.registry.collect()

    async def _shared_now(self) -> list[Metric]:
        """Return what the state says, if it says it in time."""
        loop = asyncio.get_running_loop()
        if self._asking is None or self._asking.done():
            self._asking = loop.run_in_executor(
                self._threads, lambda: list(self._shared.collect())
            )
        done, _ = await asyncio.wait([self._asking], timeout=_PATIENCE)
        is_readable = bool(done) and self._asking.exception() is None
        found = self._asking.result() if is_readable else []
        meaning = "Whether the state answers; without it, what it knows is absent."
        return [
            GaugeMetricFamily("coroner_state_readable", meaning, is_readable),
            *found,
        ]

    def close(self) -> None:
        """Ask nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@attrs.frozen
class _Parts:
    """What prometheus_client takes for a registry."""

    metrics: tuple[Metric, ...]

    def collect(self) -> tuple[Metric, ...]:
        return self.metrics
