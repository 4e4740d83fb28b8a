"""Snapshots over HTTP, there and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coresnap.store.api.endpoint import Capability
from store.server.live import Client, LiveServer
from store.server.snapshots import make_snapshot


@pytest.fixture
def client(live: LiveServer) -> Iterator[Client]:
    with live.client(Capability.POST, Capability.QUERY) as client:
        yield client


def test_a_snapshot_that_was_sent_answers_a_query(
    live: LiveServer, client: Client
) -> None:
    sent = client.post("faults", content=make_snapshot(7))
    live.wait_until_indexed()
    answer = client.post("query", json={"group": ["application"]})

    assert sent.status_code == 200
    assert sent.json()["object"] == f"{7:032x}"
    assert answer.json()["groups"] == [{"key": ["simple"], "count": 1, "folds": []}]


def test_the_same_snapshot_twice_is_one_fault(live: LiveServer, client: Client) -> None:
    answers = [client.post("faults", content=make_snapshot(7)).json() for _ in "12"]
    live.wait_until_indexed()

    assert [answer["is_duplicate"] for answer in answers] == [False, True]
    assert client.post("query", json={}).json()["faults"] == 1


def test_other_bytes_of_the_same_object_are_refused_unless_they_replace_it(
    client: Client,
) -> None:
    client.post("faults", content=make_snapshot(7))
    other = make_snapshot(7, version="2")
    refused = client.post("faults", content=other)
    replaced = client.post("faults", content=other, params={"replace": "true"})

    assert refused.status_code == 409
    assert refused.json()["error"]["class"] == "ConflictError"
    assert "replace" in refused.json()["error"]["remedy"]
    assert replaced.status_code == 200
    assert client.get(f"faults/{7:032x}").content == other


def test_a_snapshot_comes_back_whole_in_ranges_or_not_at_all(client: Client) -> None:
    body = make_snapshot(7)
    client.post("faults", content=body)
    where = f"faults/{7:032x}"
    whole = client.get(where)
    tag = whole.headers["etag"]

    assert whole.content == body
    assert whole.headers["content-type"] == "application/vnd.coresnap"
    for asked, wanted in (
        ("bytes=0-7", body[:8]),
        ("bytes=8-", body[8:]),
        ("bytes=-5", body[-5:]),
        (f"bytes=3-{len(body) * 2}", body[3:]),
    ):
        part = client.get(where, headers={"range": asked})
        assert (part.status_code, part.content) == (206, wanted)
    for asked in (f"bytes={len(body)}-", "bytes=5-2"):
        assert client.get(where, headers={"range": asked}).status_code == 416
    unchanged = client.get(where, headers={"if-none-match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    stale = {"range": "bytes=0-7", "if-range": '"another"'}
    assert client.get(where, headers=stale).content == body


def test_head_answers_as_get_does_without_a_body(client: Client) -> None:
    body = make_snapshot(7)
    client.post("faults", content=body)
    head = client.request("HEAD", f"faults/{7:032x}")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(body))


def test_what_was_sent_already_is_not_wanted_again(client: Client) -> None:
    question = {"object": f"{7:032x}", "fingerprint": f"{0:064x}", "size": 300}
    before = client.post("ask", json=question).json()
    client.post("faults", content=make_snapshot(7))
    after = client.post("ask", json=question).json()

    assert before["wanted"] == "all"
    assert after["wanted"] == "nothing"


@pytest.mark.parametrize("length", [None, "told"])
def test_a_snapshot_that_is_too_large_is_refused(
    live: LiveServer, client: Client, length: str | None
) -> None:
    limit = live.server.config.limit_snapshot
    body = bytes(limit + 1)
    chunks = (body[i : i + 65536] for i in range(0, len(body), 65536))
    content = body if length else chunks
    answer = client.post("faults", content=content)

    assert answer.status_code == 413
    assert str(limit) in answer.json()["error"]["message"]


def test_a_snapshot_sent_as_curl_sends_it_goes_where_its_token_says(
    live: LiveServer,
) -> None:
    secret = live.token(Capability.POST, project="blackhole")
    with live.client() as nobody:
        answer = nobody.post("/post", params={"token": secret}, content=make_snapshot())
        wrong = nobody.post("/post", params={"token": "0" * 64}, content=b"")
        none = nobody.post("/post", content=make_snapshot())
    with live.client(Capability.QUERY) as reader:
        assert reader.get(f"faults/{answer.json()['object']}").content

    assert answer.status_code == 200
    assert (wrong.status_code, none.status_code) == (401, 401)


def test_a_token_for_all_projects_has_to_name_one(live: LiveServer) -> None:
    secret = live.token(Capability.POST)
    with live.client() as nobody:
        vague = nobody.post("/post", params={"token": secret}, content=make_snapshot())
        exact = nobody.post(
            "/post",
            params={"token": secret, "project": "blackhole", "format": "btt"},
            content=make_snapshot(),
        )

    assert vague.status_code == 400
    assert "project" in vague.json()["error"]["remedy"]
    assert exact.status_code == 200


def test_a_deleted_snapshot_still_counts_unless_all_of_it_goes(
    live: LiveServer,
) -> None:
    with live.client(Capability.ADMIN) as admin:
        for number in (1, 2):
            admin.post("faults", content=make_snapshot(number))
        body = admin.delete(f"faults/{1:032x}")
        everything = admin.delete(f"faults/{2:032x}", params={"all": "true"})
        live.wait_until_indexed()
        faults = admin.post("query", json={}).json()["faults"]
        gone = [admin.get(f"faults/{n:032x}") for n in (1, 2)]
        again = admin.delete(f"faults/{2:032x}")

    assert (body.status_code, everything.status_code) == (204, 204)
    assert faults == 1
    assert [answer.status_code for answer in gone] == [404, 404]
    assert "not kept any more" in gone[0].json()["error"]["message"]
    assert again.status_code == 404
