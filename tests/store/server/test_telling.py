"""``coroner serve`` killed while it tells: what waited is told by the next one."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest

from store.server.process import ServerProcess
from store.server.snapshots import make_snapshot

SECONDS = 60


@attrs.define
class Receiver:
    """Takes webhooks, or hangs until it may answer."""

    url: str = ""
    ids: list[str] = attrs.field(factory=list)
    bodies: list[dict[str, object]] = attrs.field(factory=list)
    may_answer: threading.Event = attrs.field(factory=threading.Event)

    def wait_for(self, count: int) -> None:
        end = time.monotonic() + SECONDS
        while len(self.ids) < count:
            assert time.monotonic() < end, f"only {len(self.ids)} of {count} came"
            time.sleep(0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.bodies.append(json.loads(body))
            receiver.ids.append(self.headers["webhook-id"])
            receiver.may_answer.wait(SECONDS)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield receiver
    receiver.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    settings = tmp_path / "coronerd.conf"
    settings.write_text(
        "[server]\nurl = https://crashes.example\n[integrations]\nallow = 127.0.0.0/8\n"
    )
    server = ServerProcess(tmp_path / "data", ("--settings", str(settings)))
    yield server
    if server.process is not None and server.process.poll() is None:
        server.end(signal.SIGKILL)


def set_up(server: ServerProcess, url: str, receiver: Receiver) -> None:
    with server.client(url) as client:
        channel = {
            "kind": "webhook",
            "settings": {"url": receiver.url, "secret": "s" * 32},
        }
        answer = client.put("integrations/channels/hook", json=channel)
        assert answer.status_code == 200, answer.text
        assert receiver.url not in answer.text
        rule = {"channel": "hook", "events": ["new-group"]}
        answer = client.put("integrations/rules/news", json=rule)
        assert answer.status_code == 200, answer.text


def put(server: ServerProcess, url: str, number: int) -> None:
    with server.client(url) as client:
        answer = client.post("faults", content=make_snapshot(number, number))
        assert answer.status_code in (200, 201), answer.text


def deliveries(server: ServerProcess, url: str) -> list[dict[str, object]]:
    with server.client(url) as client:
        answer = client.get("integrations/log")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()["deliveries"]
        return found


def test_a_server_that_is_killed_while_it_tells_tells_again_by_the_same_id(
    server: ServerProcess, receiver: Receiver
) -> None:
    url = server.start()
    set_up(server, url, receiver)
    put(server, url, 1)
    put(server, url, 2)
    receiver.wait_for(1)  # it hangs in the middle of the first one
    server.end(signal.SIGKILL)
    receiver.may_answer.set()

    url = server.start()
    receiver.wait_for(3)
    end = time.monotonic() + SECONDS
    while not all(d["state"] == "delivered" for d in deliveries(server, url)):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert server.end() == 0
    assert receiver.ids[0] == receiver.ids[1]
    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 2


def test_nobody_but_an_administrator_sees_who_is_told(
    server: ServerProcess, receiver: Receiver
) -> None:
    url = server.start()
    set_up(server, url, receiver)
    with server.client(url) as client:
        token = client.post(
            f"{url}/api/v1/universes/cf/tokens",
            json={"name": "reader", "capabilities": ["query"]},
        )
        assert token.status_code == 200, token.text
        secret = token.json()["token"]
        for path in ("integrations", "integrations/log", "integrations/kinds"):
            answer = client.get(path, headers={"authorization": f"Bearer {secret}"})
            assert answer.status_code == 403, answer.text
