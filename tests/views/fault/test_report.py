from __future__ import annotations

import base64
import hashlib
import html.parser
import re

import pytest

from coresnap.model import MemoryRange, Snapshot
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.report import render_report
from snapshot.specimens import frame, full, small, thread, variable
from views.fault.hostile import ATTACK, hostile


class Page(html.parser.HTMLParser):
    """What a browser sees of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        known = dict(attrs)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.links += [known["href"] or ""] if tag == "a" else []
        self.loads += [name for name in known if name in ("src", "action", "style")]
        self.loads += [name for name in known if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(snapshot: Snapshot) -> Page:
    return Page(render_report(Fault.of(snapshot)))


def test_everything_that_a_snapshot_says_is_on_the_page() -> None:
    said = page_of(full()).text

    for words in (
        "simple (pid 4242) crashed by SIGABRT",
        "simple gave up.",
        "mov qword ptr [rax + 8], rdx",
        "#98231",
        "struct node *head",
        "*(char *)r = '0';",
        "the queue is full",
        "tcache of thread 4242",
        "size 0x41414141",
        "/usr/bin/simple",
        "list->head",
        "keep the whole core",
        "process.age",
        "proc/maps",
    ):
        assert words in said


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = page_of(full())

    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert page.loads == []
    assert all(link.startswith("#") for link in page.links)


def test_the_policy_allows_the_style_of_the_page_alone() -> None:
    text = render_report(Fault.of(full()))
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()

    assert f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;" in text


def test_every_link_leads_to_an_element() -> None:
    from urllib.parse import unquote

    page = page_of(full())

    assert len(page.ids) == len(set(page.ids))
    assert {unquote(link[1:]) for link in page.links} - set(page.ids) == set()
    assert "4242/98231/head->value" in page.ids


def test_what_a_process_chose_is_text_and_visible() -> None:
    text = render_report(Fault.of(hostile()))
    page = Page(text)

    assert page.tags.count("style") == 1
    assert "script" not in page.tags
    assert "<script>alert(1)</script>\\e[31m\\u202egnp" in page.text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)


@pytest.mark.parametrize("length", [10**6])
def test_names_of_a_megabyte_make_no_page_of_hundreds(length: int) -> None:
    text = render_report(Fault.of(hostile(ATTACK + "A" * length)))

    assert len(text) < 300_000
    assert "(1,000,0" in text


def test_a_page_is_bounded_whatever_the_snapshot_holds() -> None:
    values = tuple(variable(f"v{n}", value=n) for n in range(100))
    frames = tuple(frame(function=f"f{n}", variables=values) for n in range(1000))
    threads = tuple(
        thread(tid, frames=frames[tid - 4242 :]) for tid in range(4242, 4452)
    )
    memory = (MemoryRange(0x1000, bytes(10**6)),)
    text = render_report(Fault.of(small(threads=threads, memory=memory)))

    assert len(text) < 8_000_000
    assert "500 more frames are in the snapshot" in text.replace("\u202f", "")
    assert "More variables are in the snapshot than a page shows" in text


def test_a_snapshot_of_nothing_is_a_page() -> None:
    nothing = Snapshot("Linux", "x86-64", None, None, None, None)

    assert "was alive when this core was taken" in page_of(nothing).text
