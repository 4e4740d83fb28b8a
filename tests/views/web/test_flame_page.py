"""The flame graph: what it draws, how one clicks into it, how it is narrowed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.server.live import LiveServer
from views.web.browsing import Person, logged_in
from views.web.crashes import crashed_server

FLAME = "/cf/blackhole/flame"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    path: Path = tmp_path_factory.mktemp("flame")
    with crashed_server(path) as running:
        yield running


@pytest.fixture
def person(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as one:
        yield one


def boxes(page: str) -> dict[str, tuple[str, int]]:
    """Link and count of each box, by the name of its frame."""
    found = re.findall(r'<a href="([^"]*)" aria-label="([^"]*): (\d+) of', page)
    return {name: (html.unescape(link), int(count)) for link, name, count in found}


def test_frames_have_the_counts_of_their_faults(person: Person) -> None:
    found = boxes(person.see(FLAME))

    assert found["all"][1] == found["main"][1] == 9
    assert found["copy"][1] == found["memcpy"][1] == 6
    assert found["wait"][1] == 2


def test_a_click_leads_to_a_page_of_the_frame(person: Person) -> None:
    link, _ = boxes(person.see(FLAME))["copy"]
    found = boxes(person.see(link))

    assert set(found) == {"all", "main", "copy", "memcpy"}
    assert set(boxes(person.see(found["all"][0]))) >= {"wait", "memcpy"}


def test_it_can_be_narrowed(person: Person) -> None:
    page = person.see(f"{FLAME}?filter=version%3D1.0")

    assert boxes(page)["memcpy"][1] == 2
    assert "wait" not in boxes(page)
    assert "wait" not in boxes(person.see(f"{FLAME}?age=30d"))


def test_it_can_grow_from_the_fault(person: Person) -> None:
    link, _ = boxes(person.see(f"{FLAME}?from=inner"))["wait"]

    assert set(boxes(person.see(link))) == {"all", "wait", "main"}


def test_the_table_says_the_same(person: Person) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", person.see(FLAME)).split())

    assert "9 of 9 faults have a stack that is drawn" in text
    assert "memcpy 6 6 " in text
    assert "End here main 9 0 " in text


def test_a_frame_that_is_gone_shows_the_whole_and_says_so(person: Person) -> None:
    page = person.see(f"{FLAME}?at={'0' * 16}")

    assert "this is the whole" in page
    assert boxes(page)["main"][1] == 9


def test_what_is_no_condition_is_said(person: Person) -> None:
    page = person.see(f"{FLAME}?filter=version%2Cnonsense", status=400)
    assert "unknown operator nonsense" in page
    assert "no attribute" in person.see(f"{FLAME}?filter=nowhere%3D1", status=400)


def test_nothing_passes(person: Person) -> None:
    page = person.see(f"{FLAME}?filter=application%3Dother")
    assert "No fault with a stack passes." in page


def test_hostile_frames_are_text(person: Person) -> None:
    page = person.see(FLAME)

    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_view_of_it_can_be_kept(person: Person) -> None:
    page = f"{FLAME}?filter=version%3D1.0&from=inner"
    query = re.search(r'name="query" value="([^"]*)"', person.see(page))
    assert query is not None

    kept = html.unescape(query[1])
    sent = person.send(
        page, "/cf/blackhole/saved", page="flame", query=kept, name="old"
    )

    assert sent.status_code == 303, sent.text
    saved = html.unescape(person.see("/cf/blackhole/saved"))
    link = re.search(r'data-open href="([^"]*)">old<', saved)
    assert link is not None
    assert boxes(person.see(link[1]))["memcpy"][1] == 2
