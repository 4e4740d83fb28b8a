"""Serving until a signal says stop; then what was begun is finished."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import attrs
import uvicorn
from starlette.types import ASGIApp

from coresnap.errors import CoresnapError
from coresnap.model.message_id import MessageId
from coresnap.store.server.listeners import (
    Listener,
    bind,
    load_certificate,
    make_tls,
)
from coresnap.store.server.loops import Loop, run_loop
from coresnap.store.server.monitoring.app import CONNECTIONS as METRICS_CONNECTIONS
from coresnap.store.server.monitoring.app import MetricsApp
from coresnap.store.server.protocol import Protocol
from coresnap.store.server.server import Server

__all__ = ["Manager", "Serving"]

_DRAIN_SECONDS = 30
_IDLE_CONNECTION = 75
"""Seconds that a connection may be open between two requests."""
_YOUNG = 20_000
"""New objects before the garbage collector looks at them; Python has 700."""

Manager = Callable[[str], None]
"""Tells the service manager something, as sd_notify(3) does."""


class _Uvicorn(uvicorn.Server):
    """One listener; signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@attrs.define
class Serving:
    """A server on its listeners, with its loops."""

    server: Server
    app: ASGIApp
    listeners: Sequence[Listener]
    loops: Sequence[Loop]
    tell_manager: Manager
    watchdog_seconds: float | None = None
    metrics: tuple[Listener, MetricsApp] | None = None
    """Where metrics are served, and what does."""
    metrics_address: Listener | None = None
    """Where it is, once it is; with the real port."""
    on_reload: Callable[[], None] = lambda: None
    on_listening: Callable[[Sequence[Listener]], None] = lambda addresses: None
    """Called with the addresses, before anybody is told that it is ready."""
    addresses: list[Listener] = attrs.field(factory=list)
    """Where it listens, once it does; the real ports are in them."""
    _tls: ssl.SSLContext | None = None
    _uvicorns: list[_Uvicorn] = attrs.field(factory=list)
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: asyncio.Event = attrs.field(factory=asyncio.Event)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raise CoresnapError if it cannot begin."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        sockets = [bind(listener) for listener in self.listeners]
        self.addresses = [
            attrs.evolve(listener, port=bound.getsockname()[1])
            for listener, bound in zip(self.listeners, sockets, strict=True)
        ]
        metrics = self._bind_metrics()
        self.on_listening(self.addresses)
        if any(listener.scheme == "https" for listener in self.listeners):
            self._tls = self._make_tls()
        if threading.current_thread() is threading.main_thread():
            _collect_seldom()  # the process is the server's alone
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve(sockets, metrics))

    def _bind_metrics(self) -> socket.socket | None:
        if self.metrics is None:
            return None
        bound = bind(self.metrics[0])
        port = bound.getsockname()[1]
        self.metrics_address = attrs.evolve(self.metrics[0], port=port)
        return bound

    def _make_tls(self) -> ssl.SSLContext:
        config = self.server.config
        assert config.tls_certificate is not None
        return make_tls(config.tls_certificate, config.tls_key)

    def reload(self) -> None:
        """Read certificates and settings again; what is wrong is told in the log."""
        self.tell_manager(f"RELOADING=1\nMONOTONIC_USEC={_monotonic()}")
        try:
            self.on_reload()
            config = self.server.config
            if self._tls is not None and config.tls_certificate is not None:
                load_certificate(self._tls, config.tls_certificate, config.tls_key)
            self.server.log.info(
                "settings and certificates were read again",
                message_id=MessageId.SETTINGS_READ,
            )
        except CoresnapError as error:
            self.server.log.error(
                f"what held goes on holding: {error}",
                message_id=MessageId.SETTINGS_REFUSED,
            )
        self.tell_manager("READY=1")

    async def _serve(
        self, sockets: Sequence[socket.socket], metrics: socket.socket | None
    ) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._handle_signals(self._loop)
        self._uvicorns = [
            _Uvicorn(self._uvicorn_config(listener)) for listener in self.listeners
        ]
        tasks = [
            asyncio.create_task(one.serve([bound]))
            for one, bound in zip(self._uvicorns, sockets, strict=True)
        ]
        if metrics is not None:
            tasks.append(asyncio.create_task(self._serve_metrics(metrics)))
        stopping = threading.Event()
        threads = [
            threading.Thread(target=run_loop, args=(self.server, one, stopping))
            for one in self.loops
        ]
        for thread in threads:
            thread.start()
        try:
            await self._announce()
            await self._wait(tasks)
            await self._drain(tasks)
        finally:
            stopping.set()
            for thread in threads:
                await asyncio.to_thread(thread.join)

    async def _serve_metrics(self, bound: socket.socket) -> None:
        assert self.metrics is not None
        listener, app = self.metrics
        config = self._uvicorn_config(listener)
        config.loaded_app = app
        config.limit_concurrency = METRICS_CONNECTIONS
        one = _Uvicorn(config)
        self._uvicorns.append(one)
        self.server.log.info(f"metrics are served on {self.metrics_address}/metrics")
        try:
            await one.serve([bound])
        finally:
            app.close()

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # whoever runs us there has the signals, and calls stop
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)

    def stop(self) -> None:
        """End as after SIGTERM; may be called from any thread, once it listens."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)

    def _uvicorn_config(self, listener: Listener) -> uvicorn.Config:
        limits = self.server.config
        config = uvicorn.Config(
            self.app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=limits.limit_connections,
            timeout_keep_alive=_IDLE_CONNECTION,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        config.load()
        config.ssl = self._tls if listener.scheme == "https" else None
        return config

    async def _announce(self) -> None:
        while not all(one.started for one in self._uvicorns):
            await asyncio.sleep(0.005)
        self.tell_manager("READY=1")
        where = " ".join(str(address) for address in self.addresses)
        self.server.log.info(
            f"coroner listens on {where}", message_id=MessageId.SERVER_LISTENS
        )

    async def _wait(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Return when a signal came, or a listener failed."""
        waiting = asyncio.create_task(self._stop.wait())
        while not waiting.done() and not any(task.done() for task in tasks):
            await asyncio.wait(
                [waiting, *tasks],
                timeout=self.watchdog_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            self.tell_manager("WATCHDOG=1")
        waiting.cancel()

    async def _drain(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        self.tell_manager("STOPPING=1")
        self.server.log.info(
            "coroner ends: what was begun is finished",
            message_id=MessageId.SERVER_ENDED,
        )
        for one in self._uvicorns:
            one.should_exit = True
        await asyncio.gather(*tasks)
        threads = (self.server.putting, self.server.answering)
        for pool in threads:
            await asyncio.to_thread(pool.shutdown)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's loop, where it is installed; else Python's serves."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _collect_seldom() -> None:
    """Let the garbage collector pass over what stays, and look at more at once.

    Modules, routes and statements are some 70,000 objects that live as long as the
    process. It is a twentieth more puts in a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)


def _monotonic() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
