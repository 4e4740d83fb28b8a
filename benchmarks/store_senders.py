"""Who puts snapshots into a store that is measured, each a process of its own."""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Callable
from multiprocessing import Queue
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from coresnap.config.store_config import StoreConfig
from coresnap.config.store_reading import load_store_config
from coresnap.store.api.faults import POST_FAULT
from coresnap.store.client.client import Client, open_client
from coresnap.store.client.putting import put_snapshot

PROJECT = "blackhole"

Put = Callable[[bytes], None]


@attrs.frozen
class Sent:
    """What one sender did."""

    times: list[float]
    """Seconds that each put took."""
    processor: float
    """Seconds."""


def client_of(config: Path) -> Client:
    """A client with the token that allows everything."""
    found = load_store_config(config)
    return open_client(found, PROJECT, next(iter(found.tokens)))


def send(
    config: Path,
    bodies: list[bytes],
    end: float,
    results: Queue[Sent],
    *,
    plain: bool,
) -> None:
    """Put one body after another until ``end`` (monotonic); tell ``results``."""
    put = _plain(load_store_config(config)) if plain else _whole(client_of(config))
    times, used = [], time.process_time()
    for body in bodies:
        if time.monotonic() > end:
            break
        begun = time.perf_counter()
        put(body)
        times.append(time.perf_counter() - begun)
    results.put(Sent(times, time.process_time() - used))


def _whole(client: Client) -> Put:
    """As `coroner put` does."""

    def put(body: bytes) -> None:
        put_snapshot(client, io.BytesIO(body))

    return put


def _plain(config: StoreConfig) -> Put:
    """The same requests without their client: hosts have processors of their own."""
    token = config.token(next(iter(config.tokens)))
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/octet-stream",
    }
    connection = http.client.HTTPConnection(urlsplit(config.write).netloc)
    path = POST_FAULT.path.format(universe=config.universe, project=PROJECT)

    def put(body: bytes) -> None:
        connection.request(POST_FAULT.method, path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{answer.status}: {said.decode()}")

    return put
