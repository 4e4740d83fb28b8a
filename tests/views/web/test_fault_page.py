"""The page of one fault, over HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import msgspec
import pytest

from coresnap.model import MemoryRange, Snapshot
from coresnap.snapshot.container import pack_snapshot
from coresnap.store.api.endpoint import Capability
from coresnap.views.fault.position import Position
from coresnap.views.web.address import Address
from coresnap.views.web.fault_address import FaultAddress
from coresnap.views.web.pages import faults
from snapshot.specimens import frame, full, thread
from store.server.live import LiveServer
from views.fault.hostile import hostile
from views.web.browsing import Person, console_server, logged_in

FULL, EVIL, DEEP, BARE = (f"{number:032x}" for number in (1, 2, 3, 4))
PAGE = "/cf/blackhole/faults"


def send(server: LiveServer, object_id: str, snapshot: Snapshot) -> None:
    attributes = {**snapshot.attributes, "coresnap.object": object_id}
    body = pack_snapshot(msgspec.structs.replace(snapshot, attributes=attributes))
    with server.client(Capability.POST) as client:
        sent = client.post("faults", content=body)
        assert sent.status_code == 200, sent.text


def deep() -> Snapshot:
    frames = tuple(frame(function=f"f{number}") for number in range(1000))
    memory = (MemoryRange(0x5592A0, bytes(range(64))),)
    threads = (
        thread(frames=frames, registers={"rax": 0x5592A8}),
        thread(7, crashed=False, frames=frames[:2]),
        thread(8, crashed=False, frames=frames[:2]),
    )
    return msgspec.structs.replace(full(), threads=threads, memory=memory)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with console_server(tmp_path_factory.mktemp("console")) as running:
        send(running, FULL, full())
        send(running, EVIL, hostile())
        send(running, DEEP, deep())
        send(running, BARE, Snapshot("Linux", "x86-64", None, None, None, None))
        running.wait_until_indexed()
        yield running


@pytest.fixture
def person(server: LiveServer) -> Iterator[Person]:
    with logged_in(server, Capability.QUERY) as somebody:
        yield somebody


def links_on(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]+)"', page)]


def text_of(page: str) -> str:
    return html.unescape(re.sub("<[^>]+>", "", page))


def test_the_page_begins_at_the_fault(person: Person) -> None:
    said = text_of(person.see(f"{PAGE}/{FULL}"))

    assert "simple (pid 4242) crashed by SIGABRT" in said
    assert "Frame #98231" in said
    assert "struct node *head" in said
    assert "mov qword ptr [rax + 8], rdx" in said


def test_every_link_of_every_part_leads_to_a_page(person: Person) -> None:
    seen = set()
    wanted = {f"{PAGE}/{FULL}"}
    while wanted:
        path = wanted.pop()
        seen.add(path)
        for link in links_on(person.see(path)):
            link = link.partition("#")[0]
            is_page = link.startswith(f"{PAGE}/{FULL}?")
            if is_page and link not in seen and len(seen) < 60:
                wanted.add(link)

    for section in ("warnings", "registers", "memory", "heap", "globals", "limits"):
        assert any(f"tab={section}" in path for path in seen) == (section != "limits")


def test_a_variable_has_an_address_of_its_own(person: Person) -> None:
    page = person.see(f"{PAGE}/{FULL}?at=4242/98231/head")
    (link,) = {link for link in links_on(page) if "head-%3Evalue" in link}
    said = text_of(person.see(link))

    assert "4242/98231/head->value" in said


def test_a_long_stack_is_walked_in_pieces(person: Person) -> None:
    first = person.see(f"{PAGE}/{DEEP}")
    later = person.see(f"{PAGE}/{DEEP}?at=4242/900")

    assert "Frames from #300" in first
    assert "f299<" in first
    assert "f300<" not in first
    assert "Frames before #800" in later
    assert "f999<" in later


def test_threads_of_one_stack_are_one_entry(person: Person) -> None:
    page = person.see(f"{PAGE}/{DEEP}")

    assert "2 threads" in page
    assert "Frame #1" in text_of(person.see(f"{PAGE}/{DEEP}?at=8/1"))


def test_memory_is_shown_at_any_address_with_its_blocks(person: Person) -> None:
    page = person.see(f"{PAGE}/{DEEP}?tab=memory&address=5592b0")

    assert '<tr id="m0x5592b0" class="target">' in page
    assert 'class="state free" title="free block 0x5592a0 of 24 bytes"' in page
    assert "rax at +8" in page
    gone = person.see(f"{PAGE}/{DEEP}?tab=memory&address=0xfffffffffffffff0")
    assert "m0xfffffffffffffff0" in gone


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("at=x", 400),
        ("at=1/2/3", 404),
        ("at=4242/98231/none", 404),
        ("tab=memory&address=zz", 400),
        ("tab=memory&address=-1", 400),
        ("tab=memory&address=" + "f" * 17, 400),
        ("tab=nothing", 200),
    ],
)
def test_what_is_not_there_is_said(person: Person, query: str, status: int) -> None:
    page = person.see(f"{PAGE}/{FULL}?{query}", status)

    assert "unexpectedly" not in page


def test_a_snapshot_of_nothing_has_a_page(person: Person) -> None:
    assert "The snapshot has no thread." in person.see(f"{PAGE}/{BARE}")


@pytest.mark.parametrize("tab", ["verdict", "warnings", "heap", "files", "environment"])
def test_what_a_process_chose_is_text(person: Person, tab: str) -> None:
    page = person.see(f"{PAGE}/{EVIL}?tab={tab}")

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\e[31m\\u202egnp" in page


def test_the_report_of_the_page_is_a_file(person: Person) -> None:
    answer = person.http.get(f"{PAGE}/{FULL}/report")

    assert answer.headers["content-disposition"].endswith(f'"{FULL}.html"')
    assert answer.text.startswith("<!doctype html>")
    snapshot = person.http.get(f"{PAGE}/{FULL}/snapshot")
    assert snapshot.content.startswith(b"\x89CSNAP")


def test_files_that_were_attached_are_offered(
    server: LiveServer, person: Person
) -> None:
    with server.client(Capability.POST) as client:
        fields = {"name": "<b>.log", "content_type": "text/html"}
        path = f"faults/{FULL}/attachments"
        assert client.post(path, params=fields, content=b"<i>").status_code == 200
    page = person.see(f"{PAGE}/{FULL}")
    (link,) = {link for link in links_on(page) if "/attachments/" in link}

    assert "&lt;b&gt;.log" in page
    answer = person.http.get(link)
    assert answer.content == b"<i>"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_who_may_not_query_sees_no_fault(server: LiveServer) -> None:
    with logged_in(server, Capability.POST) as somebody:
        page = somebody.see(f"{PAGE}/{FULL}", 403)

    assert "SIGABRT" not in page


def test_a_fault_that_is_not_there_is_said(person: Person) -> None:
    assert "there is no fault" in person.see(f"{PAGE}/{'f' * 32}", 404)


def test_what_is_too_much_for_a_page_says_how_to_read_it(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_LARGEST", 100)

    assert f"coroner get blackhole {FULL}" in person.see(f"{PAGE}/{FULL}", 400)


def test_a_variable_whose_path_is_too_long_for_a_link_has_none() -> None:
    links = FaultAddress(Address("/x"))
    assert links.at(Position("1", 0, "v" * 1001)) == ""
    assert links.at(Position("1", 0, "v")) == "/x?at=1%2F0%2Fv#variable"
