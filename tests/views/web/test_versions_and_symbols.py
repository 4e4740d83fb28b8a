"""How stable versions are, and whose symbols are missing, by browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from coresnap.store.state.tables.symbols import POORLY_READ_MODULES
from store.server.live import LiveServer
from views.web.browsing import Person, console_server, logged_in
from views.web.crashes import crash, group_of

VERSIONS = "/cf/blackhole/versions"
SYMBOLS = "/cf/blackhole/symbols"
DAY = 86400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data: Path = tmp_path_factory.mktemp("versions")
    with console_server(data) as running:
        for number in range(4):
            crash(running, number, 1, version="1.0", age=3 * DAY)
        crash(running, 4, 1, version="1.1", age=DAY)
        for number in (5, 6):
            crash(running, number, 2, version="1.1", age=DAY)
        crash(running, 7, 3, version="1.0", age=2 * DAY)
        crash(running, 8, 4, version="<i>9", age=40 * DAY, application="other")
        running.wait_until_indexed()
        yield running


@pytest.fixture
def person(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as one:
        yield one


def rows(page: str) -> list[list[str]]:
    """The cells of all rows of a page's tables, without their marks."""
    return [
        [
            re.sub(r"\s+", " ", re.sub("<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in re.findall(r"<tr.*?</tr>", page, re.S)
    ]


def test_versions_are_counted_the_newest_first(person: Person) -> None:
    found = rows(person.see(VERSIONS))[1:]

    assert [row[:5] for row in found] == [
        ["1.1", "3", "2", "3", "1.00"],
        ["1.0", "5", "2", "3", "1.67"],
        ["&lt;i&gt;9", "1", "1", "1", "1.00"],
    ]


def test_they_are_narrowed_by_application_and_time(person: Person) -> None:
    other = person.see(f"{VERSIONS}?application=other")
    assert [row[0] for row in rows(other)[1:]] == ["&lt;i&gt;9"]
    week = person.see(f"{VERSIONS}?age=7d")
    assert [row[0] for row in rows(week)[1:]] == ["1.1", "1.0"]
    assert "there is no such period" in person.see(f"{VERSIONS}?age=soon", 400)


def test_a_version_says_what_began_with_it_and_how_it_differs(person: Person) -> None:
    page = person.see(f"{VERSIONS}?version=1.1")

    assert f'href="/cf/blackhole/groups/{group_of(2)}"' in page
    assert "New in 1.1" in page
    assert "1.1 beside 1.0" in page
    beside = {tuple(row[1:]) for row in rows(page)[-3:]}
    assert beside == {
        ("1", "4", "less"),
        ("2", "0", "not in the other"),
        ("0", "1", "gone"),
    }


def test_symbols_that_nobody_misses(person: Person) -> None:
    page = person.see(SYMBOLS)

    assert "No fault misses symbols" in page
    assert "Nothing was sent yet." in page


def test_symbols_that_are_missing_say_why_and_whose(
    server: LiveServer, person: Person
) -> None:
    build_id = "ab" * 20
    missing_attribute: dict[str, Any] = {"symbols.missing": build_id}
    row = {
        "project": 1,
        "build_id": build_id,
        "path": "/opt/<x>/lib.so",
        "wanted": "debuginfo",
        "reason": "no file with this build-id",
        "first_seen": 1,
    }
    with server.server.store.state.write() as connection:
        connection.execute(insert(POORLY_READ_MODULES), row)
    crash(server, 20, 5, **missing_attribute)
    server.wait_until_indexed()

    missing = rows(person.see(SYMBOLS))[1]
    assert missing == [
        "1",
        "/opt/&lt;x&gt;/lib.so",
        build_id[:16],
        "debuginfo",
        "no file with this build-id",
    ]
    link = re.search(r'data-open href="([^"]+)"', person.see(SYMBOLS))
    assert link is not None
    assert group_of(5) in person.see(html.unescape(link[1]))
