"""Logging in with a provider of OpenID Connect that really runs."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx2
import pytest
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer

from coresnap.errors import ConfigError
from coresnap.store.access.users import create_user
from coresnap.store.api.users import NewUser
from coresnap.views.web.openid.provider import provider_of
from store.server.live import UNIVERSE, LiveServer
from views.web.browsing import console_server
from views.web.openid_provider import CLIENT, SECRET, SmallProvider

OURS = "https://crashes.example"


@pytest.fixture
def provider(httpserver: HTTPServer) -> SmallProvider:
    return SmallProvider(httpserver)


@pytest.fixture
def server(tmp_path: Path, provider: SmallProvider) -> Iterator[LiveServer]:
    settings = {
        "openid_issuer": provider.issuer,
        "openid_client": CLIENT,
        "openid_secret": SECRET,
        "url": OURS,
    }
    with console_server(tmp_path, **settings) as server:
        with server.server.store.state.write() as connection:
            create_user(connection, UNIVERSE, NewUser("ada", "long enough"))
        yield server


@attrs.define
class Browser:
    """One person's, which follows where it is sent."""

    server: LiveServer
    http: httpx2.Client

    def begin(self, path: str = "/") -> str:
        """Go to the provider; return where it sends the browser back to."""
        there = self.http.get("/login/openid", params={"next": path})
        assert there.status_code == 303, there.text
        back = httpx2.get(there.headers["location"])
        location: str = back.headers["location"]
        assert location.startswith(f"{OURS}/login/openid/back?")
        return location.removeprefix(OURS)

    def log_in(self, path: str = "/") -> httpx2.Response:
        return self.http.get(self.begin(path))

    @property
    def is_in(self) -> bool:
        return self.http.get("/").status_code == 200


@pytest.fixture
def browser(server: LiveServer) -> Iterator[Browser]:
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        yield Browser(server, http)


def test_the_page_of_the_login_leads_to_the_provider(
    browser: Browser, provider: SmallProvider
) -> None:
    page = browser.http.get("/login", params={"next": "/cf/blackhole/groups"}).text
    assert 'href="/login/openid?next=/cf/blackhole/groups"' in page


def test_who_is_known_to_both_is_logged_in_and_where_they_wanted(
    browser: Browser,
) -> None:
    assert not browser.is_in
    answer = browser.log_in("/cf/blackhole/groups")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/cf/blackhole/groups",
    )
    assert browser.is_in
    assert "ada" in browser.http.get("/").text


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil"])
def test_nobody_is_sent_elsewhere_afterwards(browser: Browser, path: str) -> None:
    assert browser.log_in(path).headers["location"] == "/"


def test_who_is_no_user_here_is_not_let_in(
    browser: Browser, provider: SmallProvider
) -> None:
    provider.name = "<b>mallory"
    answer = browser.log_in()
    assert answer.status_code == 403
    assert "&lt;b&gt;mallory is not a user" in answer.text
    assert not browser.is_in


def test_an_answer_that_another_browser_began_is_refused(browser: Browser) -> None:
    back = browser.begin()
    with httpx2.Client(base_url=browser.server.url) as other:
        other.get("/login")
        answer = other.get(back)
    assert answer.status_code == 403
    assert "was not begun in this browser" in html.unescape(answer.text)


def test_a_code_counts_once(browser: Browser, provider: SmallProvider) -> None:
    back = browser.begin()
    with httpx2.Client(base_url=browser.server.url) as again:
        again.cookies.update(browser.http.cookies)
        assert browser.http.get(back).status_code == 303
        assert again.get(back).status_code == 403
    assert provider.refusals == ["invalid_grant"]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another login"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": [CLIENT, "somebody-else"]},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": int(time.time()) + 30 * 86_400},
        {"preferred_username": None},
        {"preferred_username": ["ada"]},
    ],
)
def test_a_token_that_is_not_for_this_login_is_refused(
    browser: Browser, provider: SmallProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert browser.log_in().status_code == 403
    assert not browser.is_in


def test_a_token_that_another_key_signed_is_refused(
    browser: Browser, provider: SmallProvider
) -> None:
    provider.signer = RSAKey.generate_key(2048, parameters={"kid": "one"})
    assert browser.log_in().status_code == 403
    assert not browser.is_in


def test_who_the_provider_does_not_let_in_is_told_so(browser: Browser) -> None:
    state = httpx2.URL(browser.begin()).params["state"]
    query = {"state": state, "error": "access_denied<script>"}
    answer = browser.http.get("/login/openid/back", params=query)
    assert answer.status_code == 403
    assert "access_denied&lt;script&gt;" in answer.text


def test_an_answer_of_another_provider_is_refused(browser: Browser) -> None:
    back = httpx2.URL(browser.begin()).copy_set_param("iss", "https://evil.example")
    assert browser.http.get(str(back)).status_code == 403


def test_a_provider_that_is_away_is_told_and_nobody_is_in(
    browser: Browser, provider: SmallProvider
) -> None:
    provider.server.clear()
    provider.server.expect_request(
        "/.well-known/openid-configuration"
    ).respond_with_data("<html>down", status=500)
    answer = browser.http.get("/login/openid")
    assert answer.status_code >= 500
    assert "no provider of OpenID Connect" in answer.text
    assert not browser.is_in


def test_without_a_provider_there_is_no_such_login(tmp_path: Path) -> None:
    with console_server(tmp_path) as server, httpx2.Client(base_url=server.url) as http:
        assert "openid" not in http.get("/login").text
        assert http.get("/login/openid").status_code == 404
        assert http.get("/login/openid/back?code=1").status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"openid_issuer": "http://provider.example"},
        {"openid_issuer": "provider.example"},
        {"openid_client": ""},
        {"openid_secret": ""},
        {"url": ""},
    ],
)
def test_settings_that_make_no_sense_are_refused(
    server: LiveServer, fields: dict[str, Any]
) -> None:
    config = attrs.evolve(server.server.config, **fields)
    with pytest.raises(ConfigError):
        provider_of(config)
    assert SECRET not in repr(server.server.config)
