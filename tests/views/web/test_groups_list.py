"""The list of groups: what is on it, how it is narrowed, changes of many."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.store.access.users import create_user
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.users import NewUser, Role
from coresnap.views.web.groups.title import short_title
from store.server.live import LiveServer
from views.web.browsing import Person, console_server, logged_in
from views.web.crashes import GROUPS, crash, crashed_server, group_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with crashed_server(tmp_path_factory.mktemp("groups")) as running:
        yield running


@pytest.fixture
def person(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as one:
        yield one


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LiveServer]:
    """A server of its own, for tests that change groups."""
    with crashed_server(tmp_path) as running:
        yield running


def listed(page: str) -> list[int]:
    """The kinds of the groups in the order of a list."""
    return [
        int(one, 16) for one in re.findall(r'data-open href="[^"]*/(\w{64})"', page)
    ]


def row_of(page: str, kind: int) -> str:
    """The row of a group, tags taken away."""
    rows = re.findall(r"<tr data-row>.*?</tr>", page, re.DOTALL)
    (row,) = [row for row in rows if group_of(kind) in row]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split())


def test_the_last_crash_comes_first(person: Person) -> None:
    page = person.see(GROUPS)

    assert set(listed(page)[:2]) == {1, 3}
    assert listed(page)[2] == 2
    assert "3 groups" in re.sub(r"<[^>]+>", "", page)


def test_a_row_has_what_one_decides_by(person: Person) -> None:
    row = row_of(person.see(GROUPS), 1)

    assert "memcpy ← copy ← main" in row
    assert "new" in row.split()
    assert " 6 3 1.1 1.0 " in row  # faults, hosts, versions
    assert row.endswith("now now")


def test_long_names_of_frames_are_short_in_a_title() -> None:
    long = "std::vector<int, std::allocator<int> >::push_back"
    assert short_title(f"netd: {long} ← main") == (
        "netd: std::vector<int>::push_back ← main"
    )
    assert short_title("nothing known") == "nothing known"


def test_a_row_has_a_trend_with_words(person: Person) -> None:
    page = person.see(GROUPS)
    assert 'aria-label="6 in 30 days, at most 6 in one, 6 in the last"' in page
    assert 'aria-label="none in 30 days"' in page


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("age=30d", {1, 3}),
        ("age=90d", {1, 2, 3}),
        ("filter=memcpy", {1}),
        ("filter=MEMCPY", {1}),
        ("filter=Simpl", {1, 2}),
        ("filter=no+such+thing", set()),
        ("filter=application%3Dsimple&filter=version%3D0.9", {2}),
        ("filter=hostname~host", {1, 2}),
        (f"filter={group_of(2)[:20]}", {1, 2, 3}),
        (f"filter={group_of(2)}", {2}),
        ("state=resolved", set()),
        ("state=any", {1, 2, 3}),
        ("assignee=ada", set()),
    ],
)
def test_a_list_is_narrowed_by_its_address(
    person: Person, query: str, kinds: set[int]
) -> None:
    assert set(listed(person.see(f"{GROUPS}?{query}"))) == kinds


@pytest.mark.parametrize(
    ("sort", "first"), [("count", [1, 2, 3]), ("hosts", [1, 2, 3]), ("new", [3, 1, 2])]
)
def test_a_list_is_sorted_by_its_address(
    person: Person, sort: str, first: list[int]
) -> None:
    found = listed(person.see(f"{GROUPS}?sort={sort}"))
    assert found == first if sort != "new" else found[-1] == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("filter=nothing%3D1", "there is no attribute"),
        ("filter=a%3C%3Cb", "there is no attribute"),
        ("filter=callstack~(", "expression"),
        ("age=9z", "there is no such period"),
        ("state=lost", "there is no state lost"),
        ("sort=size", "not sorted by size"),
        ("offset=-1", "-1 is no number"),
        ("until=x", "x is no number"),
    ],
)
def test_what_is_wrong_with_an_address_is_told_above_the_filter(
    person: Person, query: str, words: str
) -> None:
    page = person.see(f"{GROUPS}?{query}", 400)

    assert words in html.unescape(page)
    assert 'role="alert"' in page
    assert 'name="filter"' in page


def test_a_condition_is_taken_away_by_its_link(person: Person) -> None:
    page = person.see(f"{GROUPS}?filter=memcpy&filter=version%3D1.0&age=30d")

    links = re.findall(r'class="chip" href="([^"]+)"', page)
    assert [html.unescape(one) for one in links] == [
        f"{GROUPS}?filter=version%3D1.0&age=30d",
        f"{GROUPS}?filter=memcpy&age=30d",
    ]


def test_names_that_processes_chose_are_shown_and_do_nothing(person: Person) -> None:
    page = person.see(GROUPS)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>evil" not in page
    assert "\u202e" not in page
    assert "\\u202egnp" in page
    assert "\\e[31m" in page


def test_pages_follow_each_other_and_stay_as_they_were(tmp_path: Path) -> None:
    with console_server(tmp_path) as server, logged_in(server) as person:
        for kind in range(1, 28):
            crash(server, kind, kind, age=kind * 60)
        server.wait_until_indexed()
        first = person.see(GROUPS)
        crash(server, 99, 99)
        server.wait_until_indexed()
        (link,) = re.findall(r'rel="next" href="([^"]+)"', first)
        second = person.see(html.unescape(link))

    assert listed(first) == list(range(1, 26))
    assert listed(second) == [26, 27]
    assert 'rel="next"' not in second


def test_an_empty_project_says_what_to_do(tmp_path: Path) -> None:
    with (
        console_server(tmp_path, with_loops=False) as server,
        logged_in(server) as person,
    ):
        page = person.see(GROUPS)
    assert "coroner put" in page
    assert "<table" not in page


def test_chosen_groups_are_changed_together(fresh: LiveServer) -> None:
    with logged_in(fresh) as person:
        answer = person.send(
            GROUPS,
            f"{GROUPS}?age=1y",
            group=[group_of(1), group_of(3)],
            set_state="muted",
            end="2",
            end_unit="weeks",
            reason="known",
        )
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{GROUPS}?age=1y"
        page = person.see(answer.headers["location"])
        assert "2 groups changed." in page
        assert listed(page) == [2]
        assert set(listed(person.see(f"{GROUPS}?state=muted"))) == {1, 3}


def test_all_that_pass_are_changed_though_they_are_not_listed(
    fresh: LiveServer,
) -> None:
    with logged_in(fresh) as person:
        where = f"{GROUPS}?filter=application%3Dsimple"
        person.send(GROUPS, where, all="1", set_assignee="given", assignee="ada")
        assert set(listed(person.see(f"{GROUPS}?assignee=ada"))) == {1, 2}


def test_the_topmost_takes_the_others_in(fresh: LiveServer) -> None:
    with logged_in(fresh) as person:
        groups = [group_of(1), group_of(2)]
        answer = person.send(GROUPS, GROUPS, group=groups, merge="1", reason="twins")
        assert answer.status_code == 303
        page = person.see(GROUPS)
    assert "2 groups are one now" in page
    assert set(listed(page)) == {1, 3}
    assert " 8 3 " in row_of(page, 1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"set_state": "resolved"}, "no group was chosen"),
        ({"group": group_of(1)}, "nothing was chosen"),
        ({"group": group_of(1), "set_state": "muted"}, "a mute needs an end"),
        (
            {"group": group_of(1), "set_state": "muted", "end": "-1"},
            "a mute needs an end",
        ),
        ({"group": group_of(1), "set_state": "gone"}, "there is no state gone"),
        (
            {"group": group_of(1), "set_state": "resolved", "resolution": "version"},
            "no version was given",
        ),
        ({"group": "zz", "set_state": "open"}, "groups"),
        ({"group": group_of(1), "merge": "1"}, "two groups or more"),
        ({"group": group_of(1), "set_tags": "add", "tags": " "}, "no tag was given"),
    ],
)
def test_a_form_that_says_too_little_changes_nothing_and_says_so(
    server: LiveServer, person: Person, fields: dict[str, str], words: str
) -> None:
    answer = person.send(GROUPS, GROUPS, **fields)

    assert answer.status_code == 400
    assert words in html.unescape(answer.text)
    assert set(listed(answer.text)) == {1, 2, 3}


def test_a_guest_sees_the_list_and_changes_nothing(server: LiveServer) -> None:
    with server.server.store.state.write() as connection:
        new = NewUser("guest", "correct horse battery", Role.GUEST, None)
        create_user(connection, "cf", new)
    with logged_in(server, Capability.QUERY) as person:
        fields = {"universe": "cf", "user": "guest", "password": new.password}
        person.send("/login", "/login", **fields)
        page = person.see(GROUPS)
        assert set(listed(page)) == {1, 2, 3}
        assert "Change the chosen groups" not in page
        answer = person.send(GROUPS, GROUPS, group=group_of(1), set_state="resolved")
        assert answer.status_code == 403


def test_what_came_back_is_marked_with_the_reason(fresh: LiveServer) -> None:
    with logged_in(fresh) as person:
        person.send(GROUPS, GROUPS, group=group_of(2), set_state="resolved")
        crash(fresh, 50, 2, version="1.2")
        fresh.wait_until_indexed()
        page = person.see(GROUPS)
    assert "regressed" in row_of(page, 2)
    reason = re.search(r'class="badge bad" title="([^"]*)"', page)
    assert reason is not None
    words = 'version "1.2" > "0.9" (semver)'
    assert html.unescape(reason[1]) == f"fault {50:032x}: {words}"


def test_a_trend_is_of_the_period(person: Person) -> None:
    short, long = (person.see(f"{GROUPS}?age={age}") for age in ("1d", "90d"))

    assert "at most in an hour" in short
    assert short.count('<rect class="bar"') == 24
    assert "at most in 3 days" in long
    assert 'aria-label="9 faults from ' in long  # two of them forty days ago
