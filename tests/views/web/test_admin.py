"""Administration by browser: access, keeping, scrubbing, and who did it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from coresnap.store.api.endpoint import Capability
from store.server.live import LiveServer
from views.web.browsing import Person, console_server, logged_in

BASE = "/cf/blackhole/admin"
TOPICS = (
    "integrations",
    "retention",
    "sampling",
    "scrubbing",
    "tokens",
    "users",
    "audit",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data: Path = tmp_path_factory.mktemp("admin")
    with console_server(data, with_loops=False) as running:
        yield running


@pytest.fixture
def admin(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as person:
        yield person


def sent(person: Person, topic: str, **fields: object) -> httpx2.Response:
    page = f"{BASE}/{topic}"
    return person.send(page, page, **fields)


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_a_page_that_the_others_lead_to(
    admin: Person, topic: str
) -> None:
    page = admin.see(f"{BASE}/{topic}")

    assert f'href="{BASE}/{topic}" aria-current="page"' in page
    assert all(f'href="{BASE}/{other}"' in page for other in TOPICS)


@pytest.mark.parametrize("topic", ["integrations", "scrubbing", "tokens", "users"])
def test_it_is_for_administrators(server: LiveServer, topic: str) -> None:
    with logged_in(server, Capability.QUERY) as person:
        assert "lacks the capability admin" in person.see(f"{BASE}/{topic}", 403)


def test_a_token_is_shown_once_and_holds_until_it_is_revoked(
    server: LiveServer, admin: Person
) -> None:
    fields = {"name": "ci", "capability": ["post", "query"], "where": "project"}
    page = sent(admin, "tokens", **fields).text
    token = re.search(r"<code>([0-9a-f]{64})</code>", page)
    assert token is not None
    assert token[1] not in admin.see(f"{BASE}/tokens")
    headers = {"authorization": f"Bearer {token[1]}"}
    with httpx2.Client(base_url=server.url, headers=headers) as http:
        where = "/api/v1/projects/cf/blackhole/attributes"
        assert http.get(where).status_code == 200
        number = re.search(
            r'name="revoke" value="(\d+)" aria-label="Revoke ci"',
            admin.see(f"{BASE}/tokens"),
        )
        assert number is not None
        assert sent(admin, "tokens", revoke=number[1]).status_code == 303
        assert http.get(where).status_code == 401


def test_a_token_that_allows_nothing_is_not_made(admin: Person) -> None:
    answer = sent(admin, "tokens", name="idle", where="universe")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_a_user_gets_a_role_another_password_and_goes(
    server: LiveServer, admin: Person
) -> None:
    new = {"user": "bo", "password": "a long one", "role": "guest", "where": "universe"}
    assert sent(admin, "users", action="create", **new).status_code == 303
    assert "guest everywhere" in admin.see(f"{BASE}/users")
    role = {"user": "bo", "role": "member", "where": "project"}
    assert sent(admin, "users", action="role", **role).status_code == 303
    assert "member in blackhole" in admin.see(f"{BASE}/users")
    short = {"user": "bo", "password": "short"}
    assert sent(admin, "users", action="password", **short).status_code == 400
    other = {"user": "bo", "password": "another one"}
    assert sent(admin, "users", action="password", **other).status_code == 303
    with httpx2.Client(base_url=server.url) as http:
        login = {"universe": "cf", "user": "bo", "password": "another one"}
        assert Person(http).send("/login", "/login", **login).status_code == 303
    assert sent(admin, "users", action="remove", user="bo").status_code == 303
    assert ">bo<" not in admin.see(f"{BASE}/users")


def test_a_policy_of_retention_holds_until_it_is_taken_away(admin: Person) -> None:
    fields = {"drop_age": "90d", "keep_first": "3", "keep_last": "5", "quota": "1GB"}
    assert sent(admin, "retention", action="set", **fields).status_code == 303
    page = admin.see(f"{BASE}/retention?plan")
    assert "The policy of the project" in page
    assert "90 d" in page or "90d" in page
    wrong = sent(admin, "retention", action="set", drop_age="soon")
    assert wrong.status_code == 400
    assert "drop age: &#39;soon&#39;" in wrong.text
    assert sent(admin, "retention", action="run").status_code == 303
    assert sent(admin, "retention", action="clear").status_code == 303
    assert "everything is kept" in admin.see(f"{BASE}/retention")


def test_a_rule_of_sampling_holds_until_it_is_taken_away(admin: Person) -> None:
    fields = {"steps": "2:0 4:1m", "reset": "12h", "first_of": "version"}
    assert sent(admin, "sampling", action="set", **fields).status_code == 303
    page = admin.see(f"{BASE}/sampling")
    assert "2 snapshots at once, then 4 snapshots with" in page
    wrong = sent(admin, "sampling", action="set", steps="many")
    assert "a step is COUNT:INTERVAL" in wrong.text
    assert sent(admin, "sampling", action="clear").status_code == 303
    assert "Every snapshot is kept." in admin.see(f"{BASE}/sampling")


def test_what_is_scrubbed_is_shown_as_it_was_written(admin: Person) -> None:
    lines = "customer CUST-[0-9]{6}\norder <b>(\\d+)"
    fields = {"built_in": ["key", "ccn"], "expressions": lines}
    assert sent(admin, "scrubbing", **fields).status_code == 303
    page = admin.see(f"{BASE}/scrubbing")
    assert 'value="ccn" checked' in page
    assert 'value="ssn" checked' not in page
    assert "customer CUST-[0-9]{6}\norder &lt;b&gt;(\\d+)" in page
    wrong = sent(admin, "scrubbing", expressions="nameless")
    assert (wrong.status_code, "a line is a name and an" in wrong.text) == (400, True)


def test_the_audit_log_tells_what_was_done_here_and_refused(
    server: LiveServer, admin: Person
) -> None:
    sent(admin, "scrubbing", built_in="key")
    with logged_in(server, Capability.QUERY) as person:
        page = f"{BASE}/scrubbing"
        token = re.search(r'form_token" value="(\w+)"', person.see("/"))
        assert token is not None
        person.http.post(page, data={"form_token": token[1]})
    page = admin.see(f"{BASE}/audit?operation=set_scrubbing")
    assert page.count("<code>set_scrubbing</code>") >= 2
    assert "refused, 403" in page
    assert "Nothing was changed." in admin.see(f"{BASE}/audit?name=nobody-at-all")
