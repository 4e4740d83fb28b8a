"""The frame of all pages: who is let in, and what browsers enforce."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from coresnap.store.access.users import create_user
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.users import NewUser, Role
from store.server.live import UNIVERSE, LiveServer
from views.web.browsing import Person, console_server, logged_in

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data: Path = tmp_path_factory.mktemp("console")
    with console_server(data, with_loops=False) as running:
        with running.server.store.state.write() as connection:
            create_user(
                connection, UNIVERSE, NewUser("ada", PASSWORD, Role.MEMBER, None)
            )
        yield running


@pytest.fixture
def stranger(server: LiveServer) -> Iterator[Person]:
    with httpx2.Client(base_url=server.url) as http:
        yield Person(http)


def test_a_stranger_is_sent_to_the_login_and_back(stranger: Person) -> None:
    answer = stranger.http.get("/", params={"a": "b c"})

    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2F%3Fa%3Db%2Bc"
    assert 'value="/?a=b+c"' in stranger.see(answer.headers["location"])


def test_a_password_lets_in_until_the_logout(stranger: Person) -> None:
    fields = {"universe": UNIVERSE, "user": "ada", "password": PASSWORD, "next": "/x"}
    answer = stranger.send("/login", "/login", **fields)

    assert (answer.status_code, answer.headers["location"]) == (303, "/x")
    assert "Projects of cf" in stranger.see("/")
    secret = stranger.http.cookies["coroner"]
    assert stranger.send("/", "/logout").headers["location"] == "/login"
    assert stranger.http.get("/").status_code == 303
    stranger.http.cookies.set("coroner", secret)
    assert stranger.http.get("/").status_code == 303  # the session has ended for good


def test_a_wrong_password_is_told_on_the_form(stranger: Person) -> None:
    fields = {"universe": UNIVERSE, "user": "ada", "password": "wrong password"}
    answer = stranger.send("/login", "/login", **fields)

    assert answer.status_code == 403
    assert "universe, user or password is wrong" in answer.text
    assert 'value="ada"' in answer.text


@pytest.mark.parametrize(
    "where", ["//evil.example/", "/\\evil.example", "https://evil.example/", "/a\nb"]
)
def test_the_login_leads_nowhere_else(
    server: LiveServer, stranger: Person, where: str
) -> None:
    token = server.token(Capability.QUERY)
    answer = stranger.send("/login", "/login", token=token, next=where)

    assert answer.headers["location"] == "/"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(
    server: LiveServer, stranger: Person
) -> None:
    token = server.token(Capability.QUERY)
    cookie = stranger.send("/login", "/login", token=token).headers["set-cookie"]

    assert cookie == f"coroner={token}; Path=/; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_another_site_cannot_send_a_form(
    server: LiveServer, headers: dict[str, str]
) -> None:
    with logged_in(server) as person:
        person.http.headers.update(headers)
        assert person.send("/", "/logout").status_code == 403
        assert "Projects of cf" in person.see("/")


@pytest.mark.parametrize("token", ["", "0" * 64, "\u00e4"])
def test_a_form_without_its_token_is_refused(server: LiveServer, token: str) -> None:
    with logged_in(server) as person:
        answer = person.http.post("/logout", data={"form_token": token})
        assert answer.status_code == 403
        assert "Projects of cf" in person.see("/")


def test_a_token_of_one_visitor_does_not_fit_anothers_form(server: LiveServer) -> None:
    with logged_in(server) as one, logged_in(server) as other:
        theirs = other.see("/").partition('name="form_token" value="')[2][:64]
        answer = one.http.post("/logout", data={"form_token": theirs})
        assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/", "/login", "/no/project/groups"])
def test_pages_forbid_everything_that_they_do_not_need(
    server: LiveServer, path: str
) -> None:
    with logged_in(server) as person:
        headers = person.http.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_a_project_of_others_is_not_there(server: LiveServer) -> None:
    server.project("secret")
    with httpx2.Client(base_url=server.url) as http:
        person = Person(http)
        token = server.token(Capability.QUERY, project="blackhole")
        person.send("/login", "/login", token=token)
        person.see("/cf/secret/groups", 404)
        assert "secret" not in person.see("/")


def test_static_files_may_be_kept_where_their_mark_says_which(stranger: Person) -> None:
    page = stranger.see("/login")
    path = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]

    marked = stranger.http.get(path)
    assert marked.headers["content-type"] == "text/css"
    assert "immutable" in marked.headers["cache-control"]
    old = stranger.http.get("/static/style.css?v=000000000000")
    assert old.headers["cache-control"] == "no-cache"
    assert stranger.http.get("/static/..%2fconsole.py").status_code == 303
    assert stranger.http.get("/static/missing.css").status_code == 404


def test_a_method_that_a_page_lacks_is_refused(server: LiveServer) -> None:
    with logged_in(server) as person:
        answer = person.http.delete("/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_what_a_message_says_is_shown_once(server: LiveServer) -> None:
    with logged_in(server) as person:
        person.send("/", "/logout")
        assert "You are logged out." in person.see("/login")
        assert "You are logged out." not in person.see("/login")


def test_a_server_that_is_busy_says_so_on_a_page(tmp_path: Path) -> None:
    with console_server(tmp_path, with_loops=False, limit_requests=0) as busy:
        answer = httpx2.get(f"{busy.url}/login")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "the server is busy" in answer.text
