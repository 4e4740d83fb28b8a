"""The first page, and how the server does."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from coresnap.store.api.endpoint import Capability
from coresnap.store.api.service import LoopStatus
from store.server.live import LiveServer
from views.web.browsing import Person, console_server, logged_in
from views.web.crashes import crash, crashed_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with crashed_server(tmp_path_factory.mktemp("status")) as running:
        running.project("empty")
        yield running


@pytest.fixture
def person(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as one:
        yield one


def words(page: str) -> str:
    """What is read on a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_each_project_has_its_trend_and_leads_to_its_groups(person: Person) -> None:
    page = person.see("/")

    assert "blackhole 3 9" in words(page)
    assert 'aria-label="7 in 30 days, at most 7 in one, 7 in the last"' in page
    assert 'data-open href="/cf/blackhole/groups"' in page
    assert "empty 0 0 0 B –" in words(page)
    assert page.count('class="spark"') == 1


def test_projects_of_others_are_not_listed(server: LiveServer) -> None:
    with httpx2.Client(base_url=server.url) as http:
        token = server.token(Capability.QUERY, project="empty")
        Person(http).send("/login", "/login", token=token)
        page = Person(http).see("/")
    assert "/cf/empty/groups" in page
    assert "blackhole" not in page


def test_a_status_without_troubles_says_so(person: Person) -> None:
    page = words(person.see("/status"))

    assert "All is well." in page
    assert "Faults that wait for the index 0" in page
    assert re.search(r"Disk Free [\d.]+ [GTM]B Of ", page)
    assert re.search(r"index \d+ 0 ", page)


def test_what_fails_stands_first(tmp_path: Path) -> None:
    with console_server(tmp_path, with_loops=False) as server:
        counters = server.server.counters
        error = "the bucket <b>is gone</b>\x1b[2J"
        counters.loops["retention"] = LoopStatus("retention", 4, 2, None, error)
        with logged_in(server) as person:
            page = person.see("/status")

    assert "All is well." not in page
    assert "retention fails: the bucket <b>is gone</b>\\e[2J" in words(page)
    assert "<b>is gone" not in page
    assert "never" in page


def test_faults_that_wait_long_are_a_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with console_server(tmp_path, with_loops=False) as server:
        crash(server, 1, 1)
        crash(server, 2, 1)
        with logged_in(server) as person:
            assert "Faults that wait for the index 2" in words(person.see("/status"))
            monkeypatch.setattr("coresnap.views.web.pages.status._LATE", -1)
            page = words(person.see("/status"))
    assert "Faults wait for the index: 2, the first for" in page


def test_a_stranger_sees_no_status(server: LiveServer) -> None:
    with logged_in(server) as person:
        person.send("/", "/logout")
        answer = person.http.get("/status")
    assert answer.headers["location"] == "/login?next=%2Fstatus"


def test_a_token_that_only_sends_sees_no_status(server: LiveServer) -> None:
    with logged_in(server, Capability.POST) as person:
        answer = person.http.get("/status")
    assert answer.status_code == 403
