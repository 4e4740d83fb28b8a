"""The page of one group: what it shows, and what people decide there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.server.live import LiveServer
from views.web.browsing import Person, logged_in
from views.web.crashes import GROUPS, crash, crashed_server, group_of

ONE = f"{GROUPS}/{group_of(1)}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with crashed_server(tmp_path_factory.mktemp("group")) as running:
        yield running


@pytest.fixture
def person(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as one:
        yield one


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Person]:
    """Somebody who may change groups without others seeing it."""
    with crashed_server(tmp_path) as server, logged_in(server) as one:
        yield one


def words(page: str) -> str:
    """What is read on a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def done(person: Person, path: str = ONE, **fields: str | list[str]) -> str:
    """Send a form of a group's page; return the page that follows, as words."""
    answer = person.send(path, path, **fields)
    assert answer.status_code == 303, words(answer.text)
    return words(person.see(answer.headers["location"]))


def test_a_group_shows_its_numbers_stack_and_faults(person: Person) -> None:
    page = person.see(ONE)
    text = words(page)

    assert "Faults 6 Hosts 3" in text
    assert re.findall(r'<code title="[^"]*">(\w+)</code></li>', page) == [
        "memcpy",
        "copy",
        "main",
    ]
    links = re.findall(r'data-open class="mono" href="([^"]+)"', page)
    assert links[0] == f"/cf/blackhole/faults/{5:032x}"
    assert len(links) == 6


def test_a_group_has_histograms_that_narrow_it(person: Person) -> None:
    page = person.see(ONE)
    assert "1.1 4 66.7 %" in words(page)

    (link,) = re.findall(r'href="([^"]*version%3D1.0[^"]*)" title="Only', page)
    narrow = words(person.see(html.unescape(link)))
    assert "2 faults pass" in narrow
    assert "1.0 2 100.0 %" in narrow


def test_another_attribute_is_shown_when_asked_for(person: Person) -> None:
    page = words(person.see(f"{ONE}?attribute=object"))
    assert "object 6 values" in page


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("filter=nothing%3D1", "there is no attribute"),
        ("attribute=nothing", "there is no attribute nothing"),
        ("age=9z", "there is no such period"),
        ("until=x", "x is no number"),
    ],
)
def test_a_wrong_address_is_told_on_the_page(
    person: Person, query: str, told: str
) -> None:
    page = words(person.see(f"{ONE}?{query}", 400))
    assert told in page
    assert "memcpy" in page


def test_the_beginning_of_an_id_leads_to_the_group(tmp_path: Path) -> None:
    with crashed_server(tmp_path) as server, logged_in(server) as person:
        crash(server, 400, 0xABCD << 240)
        answer = person.http.get(f"{GROUPS}/ABCD0?age=1d")
        several = words(person.see(f"{GROUPS}/0000", 400))
    assert answer.headers["location"] == f"{GROUPS}/abcd{'0' * 60}?age=1d"
    assert "the beginning of several groups" in several


@pytest.mark.parametrize("path", ["zz", "f" * 64, "%2e%2e%2fadmin"])
def test_a_group_that_is_not_there_is_told(person: Person, path: str) -> None:
    answer = person.http.get(f"{GROUPS}/{path}")
    assert answer.status_code in (400, 404)
    assert "That did not work" in answer.text


def test_older_faults_are_a_page_on(tmp_path: Path) -> None:
    with crashed_server(tmp_path) as server, logged_in(server) as person:
        for number in range(100, 118):
            crash(server, number, 1, frames=("memcpy", "copy", "main"))
        server.wait_until_indexed()
        assert 'rel="next"' not in person.see(f"{GROUPS}/{group_of(2)}")
        first = person.see(ONE)
        (link,) = re.findall(r'rel="next" href="([^"]+)"', first)
        second = person.see(html.unescape(link))

    links = r'data-open class="mono" href="([^"]+)"'
    assert len(re.findall(links, first)) == 20
    assert len(re.findall(links, second)) == 4
    assert set(re.findall(links, first)).isdisjoint(re.findall(links, second))


def test_hostile_frames_are_shown_and_do_nothing(person: Person) -> None:
    page = person.see(f"{GROUPS}/{group_of(3)}")

    assert "<script>alert" not in page
    assert "<b>evil" not in page
    assert '"><i>' not in page
    assert "\u202e" not in page
    assert "\x1b" not in page


def test_it_is_resolved_in_a_version_with_the_reason_in_its_history(
    owner: Person,
) -> None:
    page = done(
        owner,
        set_state="resolved",
        resolution="version",
        version="1.2",
        reason="fixed in 4f1c",
    )
    assert 'Resolved until version >= "1.2"' in page
    assert "state : open → resolved until" in page
    assert "fixed in 4f1c" in page


def test_the_next_version_is_computed(owner: Person) -> None:
    page = done(owner, set_state="resolved", resolution="next")
    assert 'Resolved until version > "1.1"' in page


@pytest.mark.parametrize(
    ("unit", "amount", "told"),
    [
        ("days", "3", "Muted until time "),
        ("faults", "100", "Muted until 100 faults"),
        ("hosts", "5", "Muted until 5 hosts"),
        ("version", "2.0", 'Muted until version >= "2.0"'),
    ],
)
def test_a_mute_ends(owner: Person, unit: str, amount: str, told: str) -> None:
    assert told in done(owner, set_state="muted", end=amount, end_unit=unit)


def test_a_fault_reopens_it_and_the_page_says_why(tmp_path: Path) -> None:
    with crashed_server(tmp_path) as server, logged_in(server) as person:
        done(person, set_state="resolved", resolution="next")
        crash(server, 200, 1, frames=("memcpy", "copy", "main"), version="1.2")
        server.wait_until_indexed()
        page = words(person.see(ONE))
    assert "Reopened once, last now : fault" in page
    assert 'version "1.2" > "1.1" (semver)' in page
    assert "regressed" in page


def test_somebody_takes_it_and_gives_it_away(owner: Person) -> None:
    page = done(owner, set_assignee="me")
    assert re.search(r"in-progress new token-\d+", page)
    page = done(owner, set_assignee="given", assignee="ada")
    assert "in-progress new ada" in page
    page = done(owner, set_assignee="nobody", assignee="ada")
    assert "open new" in page
    assert "assignee : ada → removed" in page or "assignee : ada removed" in page


def test_tags_come_and_go(owner: Person) -> None:
    assert "alpha × beta ×" in done(owner, set_tags="add", tags="alpha, beta")
    page = done(owner, untag="alpha")
    assert "alpha ×" not in page
    assert "beta ×" in page


def test_tickets_come_and_go(owner: Person) -> None:
    url = "https://tickets.example/NET-17"
    page = done(owner, link="1", ticket="NET-17", ticket_url=url)
    assert "in-progress" in page
    assert f'href="{url}" rel="noopener noreferrer"' in owner.see(ONE)
    assert "link : NET-17 removed" in done(owner, unlink="NET-17")


def test_an_address_that_runs_a_script_is_no_ticket(owner: Person) -> None:
    fields = {"ticket": "X-1", "ticket_url": "javascript:alert(1)"}
    answer = owner.send(ONE, ONE, link="1", **fields)
    assert answer.status_code == 400
    assert "javascript:" not in owner.see(ONE)


def test_a_comment_is_kept_with_who_wrote_it(owner: Person) -> None:
    page = done(owner, comment="1", text="seen it\nonly with <b>the</b> driver")
    assert "seen it only with <b>the</b> driver" in page
    assert "<b>the</b>" not in owner.see(ONE)


def test_groups_are_merged_explained_and_taken_apart(owner: Person) -> None:
    page = done(owner, merge="1", source=group_of(2), reason="the same bug")
    assert "Faults 8" in page
    assert "the same bug" in page
    answer = owner.http.get(f"{GROUPS}/{group_of(2)}")
    assert answer.headers["location"] == ONE
    assert "A rule that makes one group of it" in owner.see(f"{ONE}/rule")
    assert "Faults 6" in done(owner, unmerge=group_of(2))
    assert "wait" in owner.see(f"{GROUPS}/{group_of(2)}")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"comment": "1", "text": " "}, "length"),
        ({"merge": "1", "source": " "}, "no group was given"),
        ({"merge": "1", "source": "../../x"}, "^[0-9a-f]{4,64}$"),
        ({"unmerge": "f" * 64}, ""),
        ({"link": "1"}, "a ticket has a name and an address"),
        ({}, "nothing was chosen"),
    ],
)
def test_a_form_that_makes_no_sense_is_told_on_the_page(
    person: Person, fields: dict[str, str], told: str
) -> None:
    answer = person.send(ONE, ONE, **fields)
    assert answer.status_code in (400, 404), answer.headers
    assert told in words(answer.text)


def test_what_is_unusual_is_compared_with_all_others(person: Person) -> None:
    page = words(person.see(f"{ONE}/unusual"))
    assert "6 faults, compared with 3 others" in page
    narrow = words(person.see(f"{ONE}/unusual?same_application=1"))
    assert "compared with 2 others of its application" in narrow


def test_near_groups_are_proposed_for_a_merge(tmp_path: Path) -> None:
    outer = ("copy_packet", "receive", "poll_sockets", "serve", "main")
    five, six = (f"{GROUPS}/{group_of(kind)}" for kind in (5, 6))
    with crashed_server(tmp_path) as server, logged_in(server) as person:
        crash(server, 300, 5, frames=("memcpy", *outer))
        crash(server, 301, 6, frames=("memmove", *outer))
        server.wait_until_indexed()
        page = person.see(f"{five}/similar")
        assert f'href="{six}"' in page
        assert "− memcpy" in words(page)
        assert "+ memmove" in words(page)
        answer = person.send(f"{five}/similar", five, merge="1", source=group_of(6))
        assert "Faults 2" in words(person.see(answer.headers["location"]))
