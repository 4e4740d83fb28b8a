"""Snapshots in pieces: whatever breaks between two of them, one fault comes of it."""

from __future__ import annotations

import hashlib
import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from coresnap.store.api.endpoint import Capability
from store.server.live import Client, LiveServer
from store.server.process import ServerProcess
from store.server.snapshots import make_snapshot

BODY = make_snapshot(7)
DIGEST = hashlib.sha256(BODY).hexdigest()
WANTED = {"size": len(BODY), "digest": DIGEST}


@pytest.fixture
def client(live: LiveServer) -> Iterator[Client]:
    with live.client(Capability.POST, Capability.QUERY) as client:
        yield client


def send(client: Client, start: int, end: int) -> httpx2.Response:
    path = f"uploads/{DIGEST}"
    return client.request(
        "PATCH", path, params={"offset": start}, content=BODY[start:end]
    )


def test_pieces_become_the_fault_that_the_whole_would_be(client: Client) -> None:
    begun = client.post("uploads", json=WANTED).json()
    offsets = [send(client, at, at + 80).json()["offset"] for at in (0, 80, 160)]
    end = send(client, 240, len(BODY)).json()["offset"]
    finished = client.post(f"uploads/{DIGEST}")

    assert (begun["id"], begun["offset"]) == (DIGEST, 0)
    assert (offsets, end) == ([80, 160, 240], len(BODY))
    assert finished.json()["object"] == f"{7:032x}"
    assert client.get(f"faults/{7:032x}").content == BODY
    assert client.get(f"uploads/{DIGEST}").status_code == 404


def test_a_piece_that_does_not_go_on_where_the_last_one_ended_is_refused(
    client: Client,
) -> None:
    client.post("uploads", json=WANTED)
    send(client, 0, 100)
    answers = [
        send(client, 0, 100),
        send(client, 150, 200),
        send(client, 100, 100),
        client.request(
            "PATCH",
            f"uploads/{DIGEST}",
            params={"offset": 100},
            content=BODY[100:] + b"x",
        ),
        client.post(f"uploads/{DIGEST}"),
    ]

    assert [answer.status_code for answer in answers] == [409] * 5
    assert "100 of" in answers[0].json()["error"]["message"]
    assert client.get(f"uploads/{DIGEST}").json()["offset"] == 100


def test_bytes_that_changed_on_their_way_are_refused_and_forgotten(
    client: Client,
) -> None:
    client.post("uploads", json=WANTED)
    path = f"uploads/{DIGEST}"
    client.request("PATCH", path, params={"offset": 0}, content=bytes(len(BODY)))

    assert client.post(path).status_code == 422
    assert client.get(path).status_code == 404


def test_what_is_no_snapshot_is_refused_and_forgotten(client: Client) -> None:
    body = b"no snapshot"
    digest = hashlib.sha256(body).hexdigest()
    client.post("uploads", json={"size": len(body), "digest": digest})
    client.request("PATCH", f"uploads/{digest}", params={"offset": 0}, content=body)
    answer = client.post(f"uploads/{digest}")

    assert answer.status_code == 422
    assert answer.json()["error"]["class"] == "SnapshotFormatError"
    assert client.get(f"uploads/{digest}").status_code == 404


def test_unfinished_uploads_have_a_quota_and_can_be_cancelled(
    live: LiveServer, client: Client
) -> None:
    large = live.server.config.limit_snapshot
    too_large = {"size": large + 1, "digest": "0" * 64}
    assert client.post("uploads", json=too_large).status_code == 422
    statuses = []
    for number in range(live.server.config.upload_quota // large + 1):
        wanted = {"size": large, "digest": f"{number:064x}"}
        statuses.append(client.post("uploads", json=wanted).status_code)
    gone = client.delete(f"uploads/{0:064x}")
    again = client.post("uploads", json={"size": large, "digest": f"{99:064x}"})

    assert statuses == [200] * (len(statuses) - 1) + [429]
    assert gone.status_code == 204
    assert again.status_code == 200


def test_an_upload_that_rests_too_long_is_swept_away(
    live: LiveServer, client: Client
) -> None:
    from coresnap.store.server.uploads import Uploads

    client.post("uploads", json=WANTED)
    send(client, 0, 100)
    project = live.server.doorkeeper.find_project("cf", "blackhole")
    objects = live.server.store.objects
    assert Uploads(objects, age=60, quota=1).sweep(project) == 0
    assert Uploads(objects, age=-60, quota=1).sweep(project) == 1
    assert list(objects.list(f"{project.id}/uploads/")) == []
    assert client.get(f"uploads/{DIGEST}").status_code == 404


@pytest.mark.parametrize("id", ["../../etc", "0" * 64, "0", "a" * 100])
def test_an_upload_that_was_not_begun_is_not_there(client: Client, id: str) -> None:
    assert client.get(f"uploads/{id}").status_code == 404


def test_a_server_that_is_killed_between_any_two_steps_costs_nothing_but_time(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path / "data")
    cuts = [0, 100, 200, len(BODY)]

    def restarted() -> httpx2.Client:
        server.end(signal.SIGKILL)
        return server.client(server.start())

    with server.client(server.start()) as client:
        begun = client.post("uploads", json=WANTED)
        assert begun.status_code == 200, begun.text
    for start, end in itertools.pairwise(cuts):
        with restarted() as client:
            known = client.post("uploads", json=WANTED).json()["offset"]
            assert known == start
            params = {"offset": start}
            body = BODY[start:end]
            client.patch(f"uploads/{DIGEST}", params=params, content=body)
    with restarted() as client:
        finished = client.post(f"uploads/{DIGEST}").json()
    with restarted() as client:
        again = client.post("faults", content=BODY).json()
        stored = client.get(f"faults/{7:032x}").content
    server.end()

    assert not finished["is_duplicate"]
    assert again["is_duplicate"]
    assert stored == BODY
