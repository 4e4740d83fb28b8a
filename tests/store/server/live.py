"""A server that runs in this process, on real sockets."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import httpx2
from starlette.routing import BaseRoute

from coresnap.config.server import ServerConfig
from coresnap.config.server_reading import load_server_config
from coresnap.store.access.projects import ensure_project
from coresnap.store.access.tokens import create_token
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.tokens import NewToken
from coresnap.store.server.app import make_app
from coresnap.store.server.background import loops_of
from coresnap.store.server.server import Server
from coresnap.store.server.serving import Serving
from coresnap.store.server.starting import (
    listeners_of,
    metrics_of,
    open_configured,
)

__all__ = ["LiveServer", "Log", "running_server"]

UNIVERSE = "cf"
PROJECT = "blackhole"


@attrs.define
class Log:
    """Remembers what was said."""

    lines: list[str] = attrs.field(factory=list)

    def _say(self, event: str, **facts: object) -> None:
        self.lines.append(f"{event} {facts}")

    info = warning = error = _say


@attrs.define
class LiveServer:
    """The server, and how tests reach it."""

    server: Server
    serving: Serving
    log: Log
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return str(self.serving.addresses[0])

    def token(
        self,
        *capabilities: Capability,
        project: str | None = None,
        universe: str = UNIVERSE,
        name: str | None = None,
        **fields: Any,  # noqa: ANN401 - of NewToken
    ) -> str:
        """Make a token and return its digits."""
        name = name or f"token-{time.monotonic_ns()}"
        wanted = NewToken(name, capabilities, project, **fields)
        with self.server.store.state.write() as connection:
            return create_token(connection, universe, wanted, "test").token

    def project(self, name: str, universe: str = UNIVERSE) -> str:
        """Make a project and return the beginning of its paths."""
        with self.server.store.state.write() as connection:
            ensure_project(connection, universe, name)
        return f"/api/v1/projects/{universe}/{name}"

    @contextlib.contextmanager
    def client(self, *capabilities: Capability, **fields: Any) -> Iterator[Client]:  # noqa: ANN401
        """A client with a token of its own."""
        secret = self.token(*capabilities, **fields) if capabilities else ""
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        with httpx2.Client(
            base_url=self.url, headers=headers, verify=self.tls or True, timeout=30
        ) as client:
            yield Client(client)

    def wait_until_indexed(self) -> None:
        """Return when nothing waits for the index."""
        from coresnap.store.accepting.queue import backlog

        deadline = time.monotonic() + 10
        while backlog(self.server.store.state).depth and time.monotonic() < deadline:
            time.sleep(0.02)


@attrs.frozen
class Client:
    """Requests, relative to the project where their path has no slash before it."""

    http: httpx2.Client
    scope: str = f"/api/v1/projects/{UNIVERSE}/{PROJECT}"

    def request(self, method: str, path: str, **fields: Any) -> httpx2.Response:  # noqa: ANN401
        where = path if path.startswith("/") else f"{self.scope}/{path}"
        return self.http.request(method, where, **fields)

    def get(self, path: str, **fields: Any) -> httpx2.Response:  # noqa: ANN401
        return self.request("GET", path, **fields)

    def post(self, path: str, **fields: Any) -> httpx2.Response:  # noqa: ANN401
        return self.request("POST", path, **fields)

    def put(self, path: str, **fields: Any) -> httpx2.Response:  # noqa: ANN401
        return self.request("PUT", path, **fields)

    def delete(self, path: str, **fields: Any) -> httpx2.Response:  # noqa: ANN401
        return self.request("DELETE", path, **fields)


def make_config(data: Path, **fields: Any) -> ServerConfig:  # noqa: ANN401
    """Return settings for a small server below ``data``."""
    given = {
        "data": data,
        "listen": ["http://127.0.0.1:0"],
        "universe": UNIVERSE,
        "projects": [PROJECT],
        "validation_children": 1,
        "threads": 4,
    }
    empty = data / "coronerd.conf"
    empty.touch()
    return load_server_config(empty, {**given, **fields})


@contextlib.contextmanager
def running_server(
    data: Path,
    *,
    tls: ssl.SSLContext | None = None,
    prepare: Callable[[Server], None] = lambda server: None,
    with_loops: bool = True,
    faces_of: Callable[[Server], Sequence[BaseRoute]] = lambda server: (),
    **fields: Any,  # noqa: ANN401 - of ServerConfig
) -> Iterator[LiveServer]:
    """Run a server below ``data`` until the end of the block."""
    config = make_config(data, **fields)
    log = Log()
    with open_configured(config) as store:
        (data / "staging").mkdir(exist_ok=True)
        with store.state.write() as connection:
            for name in config.projects:
                ensure_project(connection, config.universe, name)
        server = Server(store, config, log, data / "staging")
        prepare(server)
        loops: Sequence[Any] = loops_of(server) if with_loops else ()
        serving = Serving(
            server,
            make_app(server, faces_of(server)),
            listeners_of(config),
            loops,
            lambda state: None,
            metrics=metrics_of(server),
        )
        thread = threading.Thread(target=serving.run)
        thread.start()
        while not any("listens" in line for line in log.lines):
            assert thread.is_alive()
            time.sleep(0.005)
        try:
            yield LiveServer(server, serving, log, tls)
        finally:
            serving.stop()
            thread.join(30)
            server.validators.close()
            assert not thread.is_alive()
