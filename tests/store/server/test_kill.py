"""``coroner serve`` killed while clients put: what it acknowledged is there, once."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import httpx2
import pytest

from conftest import Tally
from store.mortal_process import answer_of, mortal_process, tell
from store.server.snapshots import make_snapshot

SCRIPT = Path(__file__).with_name("mortal.py")
CLIENTS = 2
LAST = 50
"""Boundaries of a life with two puts, and with the index that takes them in."""
SECONDS = 20


@attrs.define
class Clients:
    """What they have sent, and what was acknowledged."""

    data: Path
    sent: dict[str, bytes] = attrs.field(factory=dict)
    acknowledged: set[str] = attrs.field(factory=set)

    def make(self, number: int) -> str:
        object_id = f"{number:032x}"
        self.sent[object_id] = make_snapshot(number, number % 3)
        return object_id

    def client(self, url: str) -> httpx2.Client:
        text = (self.data / "coroner.cf").read_text()
        (token,) = re.findall("[0-9a-f]{64}", text)
        return httpx2.Client(
            base_url=f"{url}/api/v1/projects/cf/blackhole/",
            headers={"authorization": f"Bearer {token}"},
            timeout=SECONDS,
        )

    def put(self, url: str, object_id: str) -> None:
        """Send one; a server that dies of it acknowledges nothing."""
        with contextlib.suppress(httpx2.TransportError), self.client(url) as client:
            answer = client.post("faults", content=self.sent[object_id])
            assert answer.status_code in (200, 201), answer.text
            self.acknowledged.add(object_id)

    def put_all(self, url: str) -> None:
        """Send at once what is not acknowledged."""
        left = sorted(self.sent.keys() - self.acknowledged)
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda object_id: self.put(url, object_id), left))


@attrs.frozen
class Servers:
    """Starts servers that are to be killed."""

    process: subprocess.Popen[str]

    @contextlib.contextmanager
    def life(self, data: Path, step: int) -> Iterator[str]:
        """One server; its address, or ``killed``. At the end it is killed anyway."""
        yield answer_of(self.process, f"{data} {step}")
        tell(self.process, "")


@pytest.fixture
def servers() -> Iterator[Servers]:
    with mortal_process(SCRIPT) as process:
        yield Servers(process)


def is_there(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz", timeout=SECONDS).status_code == 200
    except httpx2.TransportError:
        return False


def wait_until_indexed(client: httpx2.Client, expected: int) -> Counter[str]:
    deadline = time.monotonic() + SECONDS
    while True:
        asked = {"select": ["object", "fingerprint"], "limit": 1000}
        rows = client.post("query", json=asked).json()["rows"]
        if len(rows) >= expected or time.monotonic() > deadline:
            return Counter(row["values"][0] for row in rows)
        time.sleep(0.05)


@pytest.mark.parametrize("stride", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_a_server_killed_at_any_step_of_puts_loses_and_doubles_nothing(
    servers: Servers, tmp_path: Path, stride: int, tally: Tally
) -> None:
    clients = Clients(tmp_path / "data")
    with servers.life(clients.data, 0) as url:
        assert is_there(url)
    deaths = 0
    for step in range(1, LAST, stride):
        with servers.life(clients.data, step) as url:
            for number in range(CLIENTS):
                clients.make(CLIENTS * step + number)
            if url != "killed":
                clients.put_all(url)
                # The index and what runs by itself pass boundaries as well.
                deadline = time.monotonic() + 3
                while is_there(url) and time.monotonic() < deadline:
                    time.sleep(0.02)
            deaths += url == "killed" or not is_there(url)

    with servers.life(clients.data, 0) as url:
        acknowledged = set(clients.acknowledged)
        with clients.client(url) as client:
            for object_id in acknowledged:
                assert client.get(f"faults/{object_id}").status_code == 200
        clients.put_all(url)
        with clients.client(url) as client:
            found = wait_until_indexed(client, len(clients.sent))
            for object_id, body in clients.sent.items():
                assert client.get(f"faults/{object_id}").content == body

    assert deaths > LAST // stride // 2
    assert clients.acknowledged == set(clients.sent)
    assert found == Counter(list(clients.sent))
    tally("`coroner serve` killed at any step while clients put", whole=deaths)
