"""Questions built by clicking, and views that are kept."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.store.access.users import create_user
from coresnap.store.api.users import NewUser, Role
from store.server.live import UNIVERSE, LiveServer
from views.web.browsing import Person, console_server, logged_in
from views.web.crashes import crash

EXPLORE = "/cf/blackhole/explore"
SAVED = "/cf/blackhole/saved"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data: Path = tmp_path_factory.mktemp("explore")
    with console_server(data) as running:
        for number in range(6):
            version = "1.0" if number < 4 else "1.1"
            crash(running, number, number % 2, version=version)
        hostile = '<b onmouseover="x">\x1b[31m\u202e'
        crash(running, 6, 3, application=hostile, version="1.1")
        running.wait_until_indexed()
        with running.server.store.state.write() as connection:
            guest = NewUser("gus", "a long password", Role.GUEST, None)
            create_user(connection, UNIVERSE, guest)
        yield running


@pytest.fixture
def person(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as one:
        yield one


def rows(page: str) -> list[list[str]]:
    """The cells of the answer's rows, without their marks."""
    table = page.partition('<table class="answer">')[2].partition("</table>")[0]
    return [
        [
            html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", cell))).strip()
            for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)
        ]
        for row in re.findall(r"<tr.*?</tr>", table, re.S)
    ]


def link_of(page: str, text: str) -> str:
    """Where the link with this text in the answer leads."""
    table = page.partition('<table class="answer">')[2]
    found = re.search(rf'<a href="([^"]+)">{re.escape(text)}</a>', table)
    assert found is not None
    return html.unescape(found[1])


def test_without_a_question_it_lists_faults(person: Person) -> None:
    found = rows(person.see(EXPLORE))

    assert found[0] == ["timestamp", "application", "hostname", "classifiers", "fault"]
    assert len(found) == 8


def test_a_condition_is_added_by_a_form_and_taken_away_by_its_chip(
    person: Person,
) -> None:
    form = {"attribute": "version", "sign": "=", "value": "1.1"}
    answer = person.http.get(EXPLORE, params=form)
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert where == f"{EXPLORE}?filter=version%3D1.1"
    page = person.see(where)
    assert len(rows(page)) == 4
    assert f'href="{EXPLORE}" aria-label="Without version=1.1"' in page


def test_groups_and_folds_are_counted_and_a_value_narrows(person: Person) -> None:
    page = person.see(f"{EXPLORE}?group=version&fold=histogram:hostname&sort=-count")

    assert rows(page) == [
        ["version", "faults", "histogram:hostname"],
        ["1.0", "4", "host-0 2 host-1 1 host-2 1"],
        ["1.1", "3", "host-0 1 host-1 1 host-2 1"],
    ]
    narrowed = person.see(link_of(page, "host-2"))
    assert [row[:2] for row in rows(narrowed)[1:]] == [["1.0", "1"], ["1.1", "1"]]


def test_a_heading_sorts_and_sorts_the_other_way(person: Person) -> None:
    page = person.see(f"{EXPLORE}?group=version")
    down = person.see(link_of(page, "version"))
    assert [row[0] for row in rows(down)[1:]] == ["1.1", "1.0"]
    assert 'aria-sort="descending"' in down
    up = person.see(link_of(down, "version"))
    assert [row[0] for row in rows(up)[1:]] == ["1.0", "1.1"]


def test_a_fold_is_added_by_a_form(person: Person) -> None:
    form = {"group": "version", "fold_name": "unique", "fold_of": "hostname"}
    where = person.http.get(EXPLORE, params=form).headers["location"]
    assert rows(person.see(where))[1][:3] == ["1.0", "4", "3"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("filter=nosuch%3D1", "nosuch"),
        ("group=nosuch", "nosuch"),
        ("fold=histogram", "not a fold"),
        ("sort=-nosuch&group=version", "nosuch"),
        ("offset=-1", "offset is a whole number"),
        ("offset=" + "9" * 30, "offset is a whole number"),
        ("age=soon", "no such period"),
        ("attribute=version&sign=%3B&value=1", "conditions do not compare"),
        ("&".join(f"group=a{n}" for n in range(20)), "16 of each at most"),
    ],
)
def test_what_makes_no_sense_is_told_and_can_be_mended_there(
    person: Person, query: str, told: str
) -> None:
    page = person.see(f"{EXPLORE}?{query}", 400)

    assert told in page.partition('role="alert"')[2].partition("</p>")[0]
    assert "Only faults where" in page


def test_hostile_values_are_shown_as_text(person: Person) -> None:
    page = person.see(f"{EXPLORE}?group=application")

    assert "<b onmouseover" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;b onmouseover" in page


def test_a_view_is_kept_found_and_taken_away(person: Person) -> None:
    query = "group=version&filter=hostname%3Dhost-1"
    page = f"{EXPLORE}?{query}"
    kept = {"page": "explore", "query": query, "name": "hosts <1>"}
    answer = person.send(page, SAVED, **kept)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    saved = person.see(SAVED)
    assert f'href="{html.escape(page)}"' in saved
    assert "hosts &lt;1&gt;" in saved
    assert person.send(SAVED, SAVED, remove="hosts <1>").status_code == 303
    assert "Nothing is kept yet." in person.see(SAVED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"page": "explore", "name": ""},
        {"page": "explore", "name": "a/b"},
        {"page": "../admin", "name": "a"},
        {"page": "explore", "name": "a", "query": "x" * 5000},
    ],
)
def test_a_view_that_cannot_be_kept_is_told(
    person: Person, wrong: dict[str, str]
) -> None:
    answer = person.send(SAVED, SAVED, **wrong)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_what_is_kept_leads_nowhere_else(person: Person) -> None:
    query = "a=1\r\nset-cookie: x#/\\evil"
    answer = person.send(SAVED, SAVED, page="explore", query=query, name="odd")

    assert answer.headers["location"].startswith(f"{EXPLORE}?a=1%0Aset")
    assert "set-cookie" not in answer.headers or "x#" not in str(answer.headers)
    person.send(SAVED, SAVED, remove="odd")


def test_a_guest_keeps_nothing(server: LiveServer) -> None:
    with logged_in(server) as person:
        person.http.cookies.clear()
        login = {"universe": UNIVERSE, "user": "gus", "password": "a long password"}
        assert person.send("/login", "/login", **login).status_code == 303
        kept = {"page": "explore", "name": "mine"}
        assert person.send(SAVED, SAVED, **kept).status_code == 403
