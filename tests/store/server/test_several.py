"""Several servers on one store: PostgreSQL, S3 and ClickHouse."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from store.server.process import ServerProcess
from store.server.snapshots import make_snapshot

pytestmark = [pytest.mark.postgresql, pytest.mark.s3, pytest.mark.clickhouse]


@pytest.fixture
def servers(
    tmp_path: Path, database_url: str, bucket_url: str, clickhouse_url: str
) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    places = {"database": database_url, "objects": bucket_url, "index": clickhouse_url}
    options = tuple(word for n, url in places.items() for word in (f"--{n}", url))
    one = ServerProcess(tmp_path / "one", options)
    two = ServerProcess(tmp_path / "two", options)
    yield one, two
    for server in (one, two):
        if server.process is not None and server.process.poll() is None:
            server.end()


def client_of(server: ServerProcess, url: str, secret: str) -> httpx2.Client:
    return httpx2.Client(
        base_url=f"{url}/api/v1/projects/cf/blackhole/",
        headers={"authorization": f"Bearer {secret}"},
        timeout=60,
    )


def faults(client: httpx2.Client) -> int:
    answer = client.post("query", json={})
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["faults"]
    return found


def wait_for_faults(client: httpx2.Client, count: int) -> int:
    deadline = time.monotonic() + 30
    while faults(client) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return faults(client)


def test_servers_share_faults_uploads_tokens_and_groups(
    servers: tuple[ServerProcess, ServerProcess],
) -> None:
    one, two = servers
    first, second = one.start(), two.start()
    secret = one.token
    assert not (two.data / "coroner.cf").exists()
    body = make_snapshot(100)
    digest = hashlib.sha256(body).hexdigest()
    with (
        client_of(one, first, secret) as here,
        client_of(two, second, secret) as there,
    ):
        for number in range(10):
            client = (here, there)[number % 2]
            sent = client.post("faults", content=make_snapshot(number))
            assert sent.status_code == 200, sent.text
        again = there.post("faults", content=make_snapshot(0)).json()
        here.post("uploads", json={"size": len(body), "digest": digest})
        here.patch(f"uploads/{digest}", params={"offset": 0}, content=body[:50])
        there.patch(f"uploads/{digest}", params={"offset": 50}, content=body[50:])
        finished = here.post(f"uploads/{digest}")

        assert again["is_duplicate"]
        assert finished.status_code == 200, finished.text
        assert wait_for_faults(here, 11) == wait_for_faults(there, 11) == 11
        assert there.get(f"faults/{100:032x}").content == body

        tokens = f"{first}/api/v1/universes/cf/tokens"
        wanted = {"name": "ci", "capabilities": ["query"]}
        made = here.post(tokens, json=wanted).json()
        with client_of(two, second, made["token"]) as reader:
            assert reader.post("query", json={}).status_code == 200
            here.delete(f"{tokens}/{made['description']['id']}")
            deadline = time.monotonic() + 8
            while reader.post("query", json={}).status_code == 200:
                assert time.monotonic() < deadline
                time.sleep(0.2)


def test_one_server_that_is_killed_leaves_its_work_to_the_other(
    servers: tuple[ServerProcess, ServerProcess],
) -> None:
    one, two = servers
    first, second = one.start(), two.start()
    secret = one.token
    with client_of(one, first, secret) as here:
        for number in range(30):
            assert here.post("faults", content=make_snapshot(number)).status_code == 200
        one.end(signal.SIGKILL)
    with client_of(two, second, secret) as there:
        assert wait_for_faults(there, 30) == 30
        assert there.post("faults", content=make_snapshot(30)).status_code == 200
        assert wait_for_faults(there, 31) == 31
