"""Who may do what, and what is not there for whom."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from coresnap.store.api.endpoint import SCOPE, UNIVERSE, Capability, Endpoint
from coresnap.store.api.endpoints import ENDPOINTS
from store.server.live import Client, LiveServer
from store.server.snapshots import make_snapshot

WITH_TOKEN = [e for e in ENDPOINTS if e.capability is not None]
IN_PROJECT = [e for e in ENDPOINTS if e.path.startswith(SCOPE)]
IN_UNIVERSE = [e for e in ENDPOINTS if e.path.startswith(UNIVERSE)]


def by_operation(endpoints: list[Endpoint[Any, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "endpoint", endpoints, ids=[endpoint.operation for endpoint in endpoints]
    )


def path_of(endpoint: Endpoint[Any, Any], **names: str) -> str:
    """The endpoint's path with these names, and an id that somebody guessed."""
    guessed = {"object": f"{7:032x}", "upload": "0" * 64, "token": "1"}
    known = {"universe": "cf", "project": "blackhole", **guessed, **names}
    return re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], "1"), endpoint.path)


def ask(client: Client, endpoint: Endpoint[Any, Any], path: str) -> httpx2.Response:
    given = {p.name: "1" for p in endpoint.parameters if p.is_required}
    return client.request(endpoint.method, path, params=given, content=b"{}")


@pytest.fixture
def admin(live: LiveServer) -> Iterator[Client]:
    with live.client(Capability.ADMIN, name="root") as client:
        yield client


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    from store.server.live import running_server

    with running_server(tmp_path_factory.mktemp("server")) as server:
        server.project("theirs")
        with server.client(Capability.POST) as sender:
            sender.post("/api/v1/projects/cf/theirs/faults", content=make_snapshot(7))
        yield server


@by_operation(WITH_TOKEN)
def test_nothing_that_needs_a_token_is_done_without_a_good_one(
    shared: LiveServer, endpoint: Endpoint[Any, Any]
) -> None:
    shared.server.doorkeeper.failures._buckets.clear()
    with shared.client() as nobody:
        for headers in ({}, {"authorization": f"Bearer {'0' * 64}"}):
            nobody.http.headers = httpx2.Headers(headers)
            answer = ask(nobody, endpoint, path_of(endpoint))

            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["class"] == "DeniedError"


@by_operation(WITH_TOKEN)
def test_a_token_that_may_do_something_else_may_not_do_this(
    shared: LiveServer, endpoint: Endpoint[Any, Any]
) -> None:
    others = set(Capability) - {Capability.ADMIN, endpoint.capability}
    with shared.client(*others) as client:
        answer = ask(client, endpoint, path_of(endpoint))

    assert answer.status_code == 403
    assert str(endpoint.capability) in answer.json()["error"]["message"]


@by_operation(IN_PROJECT)
def test_another_project_is_as_little_there_as_one_that_does_not_exist(
    shared: LiveServer, endpoint: Endpoint[Any, Any]
) -> None:
    with shared.client(Capability.ADMIN, project="blackhole") as client:
        theirs = ask(client, endpoint, path_of(endpoint, project="theirs"))
        none = ask(client, endpoint, path_of(endpoint, project="nobody"))

    assert theirs.status_code == none.status_code == 404
    assert theirs.content.replace(b"theirs", b"nobody") == none.content


@by_operation([*IN_UNIVERSE, *IN_PROJECT])
def test_another_universe_is_as_little_there_as_one_that_does_not_exist(
    shared: LiveServer, endpoint: Endpoint[Any, Any]
) -> None:
    shared.project("blackhole", universe="other")
    with shared.client(Capability.ADMIN) as client:
        theirs = ask(client, endpoint, path_of(endpoint, universe="other"))
        none = ask(client, endpoint, path_of(endpoint, universe="nil_x"))

    assert theirs.status_code == none.status_code == 404
    assert theirs.content.replace(b"other", b"nil_x") == none.content


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_object_of_another_project_cannot_be_reached_by_its_id(
    shared: LiveServer, method: str
) -> None:
    with shared.client(Capability.ADMIN, project="blackhole") as client:
        theirs = client.request(method, f"faults/{7:032x}")
        none = client.request(method, f"faults/{8:032x}")
    with shared.client(Capability.ADMIN, project="theirs") as owner:
        there = owner.get(f"/api/v1/projects/cf/theirs/faults/{7:032x}")

    assert theirs.status_code == none.status_code
    assert theirs.content.replace(b"7 in", b"8 in") == none.content
    assert there.status_code == 200


def test_a_question_before_sending_says_nothing_of_another_project(
    shared: LiveServer,
) -> None:
    question = {"object": f"{7:032x}", "fingerprint": f"{0:064x}", "size": 300}
    with shared.client(Capability.POST, project="blackhole") as client:
        assert client.post("ask", json=question).json()["wanted"] == "all"


# --- tokens -------------------------------------------------------------------


def test_a_token_is_told_once_listed_without_its_digits_and_revoked_at_once(
    live: LiveServer, admin: Client
) -> None:
    path = "/api/v1/universes/cf/tokens"
    made = admin.post(path, json={"name": "ci", "capabilities": ["query"]}).json()
    secret = made["token"]
    with live.client() as ci:
        ci.http.headers["authorization"] = f"Bearer {secret}"
        before = ci.post("query", json={})
        listed = admin.get(path)
        revoked = admin.delete(f"{path}/{made['description']['id']}")
        after = ci.post("query", json={})

    assert re.fullmatch("[0-9a-f]{64}", secret)
    assert secret not in listed.text
    assert [token["name"] for token in listed.json()["tokens"]] == ["ci", "root"]
    assert before.status_code == 200
    assert revoked.status_code == 204
    assert after.status_code == 401
    assert admin.delete(f"{path}/{made['description']['id']}").status_code == 404


def test_a_secret_is_nowhere_on_the_disk(live: LiveServer, admin: Client) -> None:
    given = "e5f1a3a23f756f89cfd9f363647291fd9ff1d43f179e959d3aa2aed78af81663"
    wanted = {
        "name": "blackhole",
        "capabilities": ["post"],
        "project": "blackhole",
        "token": given,
    }
    answer = admin.post("/api/v1/universes/cf/tokens", json=wanted)
    with live.client() as nobody:
        nobody.http.headers["authorization"] = f"Bearer {given}"
        sent = nobody.post("faults", content=make_snapshot())

    assert answer.json()["token"] == given
    assert sent.status_code == 200
    files = [p for p in live.server.config.data.rglob("*") if p.is_file()]
    assert files
    for file in files:
        assert given.encode() not in file.read_bytes()
        assert bytes.fromhex(given) not in file.read_bytes()
    assert not any(given in line for line in live.log.lines)


def test_a_token_ends_when_it_expires(live: LiveServer) -> None:
    past = int(time.time()) - 1
    with live.client(Capability.QUERY, expires=past) as client:
        assert client.post("query", json={}).status_code == 401


def test_a_remembered_token_ends_when_it_expires(live: LiveServer) -> None:
    soon = int(time.time()) + 2
    with live.client(Capability.QUERY, expires=soon) as client:
        assert client.post("query", json={}).status_code == 200
        while time.time() < soon:
            time.sleep(0.05)
        assert client.post("query", json={}).status_code == 401


def test_who_rules_one_project_makes_and_sees_its_tokens_alone(
    live: LiveServer,
) -> None:
    live.project("theirs")
    path = "/api/v1/universes/cf/tokens"
    theirs = live.token(Capability.QUERY, project="theirs", name="theirs")
    with (
        live.client(Capability.ADMIN, project="blackhole", name="lead") as lead,
        live.client(Capability.ADMIN, name="root") as root,
    ):
        wide = lead.post(path, json={"name": "a", "capabilities": ["admin"]})
        other = {"name": "b", "capabilities": ["query"], "project": "theirs"}
        foreign = lead.post(path, json=other)
        own = lead.post(path, json={**other, "project": "blackhole"})
        listed = [token["name"] for token in lead.get(path).json()["tokens"]]
        (id,) = [
            token["id"]
            for token in root.get(path).json()["tokens"]
            if token["name"] == "theirs"
        ]
        kept = lead.delete(f"{path}/{id}")
        users = lead.get("/api/v1/universes/cf/users")
    with live.client() as reader:
        reader.http.headers["authorization"] = f"Bearer {theirs}"
        still = reader.post("/api/v1/projects/cf/theirs/query", json={})

    assert (wide.status_code, foreign.status_code, own.status_code) == (403, 403, 200)
    assert listed == ["b", "lead"]
    assert kept.status_code == 404
    assert users.status_code == 403
    assert still.status_code == 200


def test_when_a_token_was_used_is_written_down(live: LiveServer, admin: Client) -> None:
    before = int(time.time())
    admin.get("/api/v1/universes/cf/tokens")
    live.server.doorkeeper.write()
    (token,) = admin.get("/api/v1/universes/cf/tokens").json()["tokens"]

    assert token["used"] >= before


# --- users --------------------------------------------------------------------


def new_user(admin: Client, name: str, role: str, project: str | None = None) -> None:
    wanted = {"name": name, "password": f"{name}-password", "role": role}
    if project:
        wanted["project"] = project
    assert admin.post("/api/v1/universes/cf/users", json=wanted).status_code == 200


def log_in(client: Client, name: str, password: str | None = None) -> httpx2.Response:
    client.http.headers.pop("authorization", None)
    password = password or f"{name}-password"
    known = {"universe": "cf", "user": name, "password": password}
    answer = client.post("/api/v1/login", json=known)
    if answer.status_code == 200:
        client.http.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return answer


def test_a_session_does_what_the_role_allows_until_logout(
    live: LiveServer, admin: Client
) -> None:
    new_user(admin, "ann", "member")
    with live.client() as ann:
        secret = log_in(ann, "ann").json()["token"]
        sent = ann.post("faults", content=make_snapshot(7))
        read = ann.get(f"faults/{7:032x}")
        ruled = ann.get("/api/v1/universes/cf/tokens")
        ann.post("/api/v1/logout", json={"token": secret})
        after = ann.get(f"faults/{7:032x}")

    assert (sent.status_code, read.status_code) == (200, 200)
    assert ruled.status_code == 403
    assert after.status_code == 401


def test_a_guest_asks_and_sees_nothing_protected(
    live: LiveServer, admin: Client
) -> None:
    new_user(admin, "eve", "guest")
    admin.post("faults", content=make_snapshot(7, secret_note="x"))
    live.wait_until_indexed()
    change = admin.request(
        "PATCH", "attributes/secret_note", json={"is_protected": True}
    )
    assert change.status_code == 200, change.text
    condition = {
        "type": "condition",
        "attribute": "secret_note",
        "operator": "equal",
        "value": "x",
    }
    with live.client() as eve:
        log_in(eve, "eve")
        asked = eve.post("query", json={"group": ["application"]})
        filtered = eve.post("query", json={"filter": condition})
        folded = eve.post(
            "query", json={"folds": [{"name": "head", "attribute": "secret_note"}]}
        )
        selected = eve.post("query", json={"select": ["*"]})
        described = eve.get("attributes")
        snapshot = eve.get(f"faults/{7:032x}")
    assert admin.post("query", json={"filter": condition}).json()["faults"] == 1

    assert asked.json()["faults"] == 1
    assert (filtered.status_code, folded.status_code) == (400, 400)
    assert "secret_note" not in selected.json()["columns"]
    assert "secret_note" not in [a["name"] for a in described.json()["attributes"]]
    assert snapshot.status_code == 403


@by_operation([e for e in WITH_TOKEN if not e.is_read or e.gives_bytes])
def test_a_guest_changes_nothing_and_takes_no_bytes_home(
    shared: LiveServer, endpoint: Endpoint[Any, Any]
) -> None:
    with shared.client(Capability.ADMIN) as admin, shared.client() as eve:
        wanted = {"name": "eve", "password": "eve-password", "role": "guest"}
        admin.post("/api/v1/universes/cf/users", json=wanted)
        assert log_in(eve, "eve").status_code == 200
        answer = ask(eve, endpoint, path_of(endpoint))

    assert answer.status_code == 403


def test_a_role_in_one_project_is_none_in_another(
    live: LiveServer, admin: Client
) -> None:
    live.project("theirs")
    new_user(admin, "ann", "member", project="blackhole")
    with live.client() as ann:
        log_in(ann, "ann")
        own = ann.post("query", json={})
        theirs = ann.post("/api/v1/projects/cf/theirs/query", json={})
        listed = ann.get("/api/v1/universes/cf/projects").json()["projects"]

    assert own.status_code == 200
    assert theirs.status_code == 404
    assert [project["name"] for project in listed] == ["blackhole"]


def test_a_role_that_is_taken_away_or_a_new_password_ends_what_was_allowed(
    live: LiveServer, admin: Client
) -> None:
    new_user(admin, "ann", "member")
    path = "/api/v1/universes/cf/users/ann"
    with live.client() as ann:
        log_in(ann, "ann")
        assert ann.post("query", json={}).status_code == 200
        admin.put(f"{path}/role", json={"role": None})
        assert ann.post("query", json={}).status_code == 404
        admin.put(f"{path}/role", json={"role": "member"})
        assert ann.post("query", json={}).status_code == 200
        admin.put(f"{path}/password", json={"password": "another-one"})
        assert ann.post("query", json={}).status_code == 401
        assert log_in(ann, "ann").status_code == 403
        assert log_in(ann, "ann", "another-one").status_code == 200
        admin.delete(path)
        assert ann.post("query", json={}).status_code == 401


def test_guessing_passwords_and_tokens_is_slowed_down(
    live: LiveServer, admin: Client
) -> None:
    new_user(admin, "ann", "member")
    live.server.doorkeeper.failures.burst = 5
    with live.client() as thief:
        answers = [log_in(thief, "ann", f"guess {n}") for n in range(8)]
        right = log_in(thief, "ann")
        unknown = log_in(thief, "nobody")

    assert [a.status_code for a in answers[:5]] == [403] * 5
    assert [a.status_code for a in answers[5:]] == [429] * 3
    assert int(answers[-1].headers["retry-after"]) > 0
    assert right.status_code == 429
    assert unknown.status_code == 429


def test_a_user_that_is_not_there_is_answered_as_a_wrong_password_is(
    live: LiveServer, admin: Client
) -> None:
    new_user(admin, "ann", "member")
    with live.client() as thief:
        wrong, nobody = log_in(thief, "ann", "wrong"), log_in(thief, "nobody", "wrong")

    assert wrong.content == nobody.content


# --- audit --------------------------------------------------------------------


def test_the_audit_log_says_who_changed_what_and_who_might_not(
    live: LiveServer, admin: Client
) -> None:
    admin.post("/api/v1/universes/cf/projects", json={"name": "new"})
    admin.post("/api/v1/universes/cf/projects", json={"name": "new"})
    with live.client(Capability.QUERY, name="curious") as curious:
        curious.delete("/api/v1/universes/cf/tokens/1")
        curious.post("query", json={})
    path = "/api/v1/universes/cf/audit"
    entries = admin.get(path).json()["entries"]

    assert [
        (e["name"], e["operation"], e["subject"], e["status"]) for e in entries
    ] == [
        ("curious", "revoke_token", "1", 403),
        ("root", "create_project", "new", 409),
        ("root", "create_project", "new", 200),
    ]
    assert entries[0]["address"] == "127.0.0.1"
    assert abs(entries[0]["time"] - time.time()) < 60
    only = admin.get(path, params={"name": "root", "limit": 1}).json()["entries"]
    assert [e["status"] for e in only] == [409]
    rest = admin.get(path, params={"name": "root", "before": only[0]["id"]}).json()
    assert [e["status"] for e in rest["entries"]] == [200]
    assert admin.get(path, params={"until": 5}).json()["entries"] == []


# --- limits -------------------------------------------------------------------


def test_a_project_takes_no_more_than_its_limits_in_a_day(
    live: LiveServer, admin: Client
) -> None:
    size = len(make_snapshot(1))
    admin.put("limits", json={"faults": 2})
    answers = [admin.post("faults", content=make_snapshot(n)) for n in range(3)]
    usage = admin.get("limits").json()
    admin.put("limits", json={"size": 2 * size + 10})
    also = admin.post("faults", content=make_snapshot(3))
    live.project("theirs")
    other = admin.post("/api/v1/projects/cf/theirs/faults", content=make_snapshot(3))

    assert [a.status_code for a in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert answers[2].json()["error"]["class"] == "QuotaError"
    assert (usage["faults"], usage["limits"]) == (2, {"faults": 2})
    assert also.status_code == 429
    assert other.status_code == 200


def test_the_same_snapshot_again_takes_nothing_of_the_limits(
    live: LiveServer, admin: Client
) -> None:
    for _ in range(3):
        admin.post("faults", content=make_snapshot(1))

    assert admin.get("limits").json()["faults"] == 1


def test_usage_is_what_it_was_after_a_restart(live: LiveServer, admin: Client) -> None:
    from coresnap.store.access.quotas import Quotas

    admin.post("faults", content=make_snapshot(1))
    live.server.quotas.write()
    (project,) = [admin.get("limits").json()]
    again = Quotas(live.server.store.state)
    found = again.usage(live.server.doorkeeper.find_project("cf", "blackhole"))

    assert found.faults == project["faults"] == 1
    assert found.size == project["size"]


def test_one_token_that_asks_too_often_waits_and_others_do_not(
    live: LiveServer,
) -> None:
    rates = live.server.doorkeeper.requests
    rates.rate, rates.burst = 0.5, 3
    with live.client(Capability.QUERY) as busy, live.client(Capability.QUERY) as other:
        statuses = [busy.get("limits").status_code for _ in range(5)]
        answer = busy.get("limits")
        assert other.get("limits").status_code == 200

    assert statuses == [200, 200, 200, 429, 429]
    assert answer.headers["retry-after"] in ("1", "2")


def test_projects_are_listed_with_what_is_in_them(
    live: LiveServer, admin: Client
) -> None:
    admin.post("/api/v1/universes/cf/projects", json={"name": "empty"})
    for number in range(3):
        admin.post("faults", content=make_snapshot(number, kind=number % 2))
    listed = admin.get("/api/v1/universes/cf/projects").json()["projects"]
    blackhole, empty = listed

    assert (empty["name"], empty["faults"], empty["last"]) == ("empty", 0, None)
    assert (blackhole["faults"], blackhole["groups"]) == (3, 2)
    assert blackhole["size"] > 0
    assert abs(blackhole["last"] - time.time()) < 60
