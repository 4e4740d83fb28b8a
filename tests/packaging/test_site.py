"""The documentation's site is built without a warning, and people can use it."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import pytest

from views.web.chromium import PHONE, Window, chromium
from website.contents import expand

pytestmark = pytest.mark.site

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
MKDOCS = (sys.executable, "-m", "mkdocs")
LOOKED_AT = [
    "index.html",
    "overview.html",
    "project/index.html",
    "reference/http.html",
    "reference/python.html",
]
# axe takes half a minute for it, and its colours are those of the others.
SLOW_PAGE = "reference/http.html"
SCHEMES = [
    *((page, "light") for page in LOOKED_AT),
    *((page, "dark") for page in LOOKED_AT if page != SLOW_PAGE),
]


# The theme puts the button that copies a block of code into a <nav> without a name.
AXE = {"rules": {"landmark-unique": {"enabled": False}}}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site's directory, and what was said while it was built."""
    directory = tmp_path_factory.mktemp("site")
    build = subprocess.run(
        [*MKDOCS, "build", "-f", REPOSITORY / "mkdocs.yml", "-d", directory],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return directory, build.stderr


@pytest.fixture(scope="module")
def site(built: tuple[Path, str]) -> Path:
    return built[0]


def test_it_is_built_without_a_warning(built: tuple[Path, str]) -> None:
    assert "WARNING" not in built[1]
    assert "Documentation built" in built[1]


def test_every_page_of_docs_is_in_the_table_of_contents() -> None:
    from mkdocs.config import load_config

    listed = set(_pages(expand(load_config(str(REPOSITORY / "mkdocs.yml")).nav)))

    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    fragments = {page for page in pages if re.match(r"changes/[a-z]", page)}
    assert pages - fragments - listed == {"adr/0000-template.md"}


def _pages(contents: Any) -> Iterator[str]:  # noqa: ANN401 - lists, maps and texts
    if isinstance(contents, str):
        yield contents
        return
    for below in contents.values() if isinstance(contents, dict) else contents:
        yield from _pages(below)


# --- what is read by Markdown ----------------------------------------------------


class Counter(HTMLParser):
    """Counts the parts of a page that two readers of Markdown might see differently."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = dict.fromkeys(("li", "ol", "pre", "table", "tr", "h2", "h3"), 0)

    def handle_starttag(self, tag: str, attributes: Any) -> None:  # noqa: ANN401
        if tag in self.counts:
            self.counts[tag] += 1


def counted(html: str) -> dict[str, int]:
    counter = Counter()
    counter.feed(html)
    return counter.counts


@functools.cache
def reader() -> Any:  # noqa: ANN401
    import markdown
    from mkdocs.config import load_config

    config = load_config(str(REPOSITORY / "mkdocs.yml"))
    names = [name for name in config.markdown_extensions if name != "toc"]
    return markdown.Markdown(extensions=names, extension_configs=config.mdx_configs)


@pytest.mark.parametrize(
    "page",
    sorted(DOCS.rglob("*.md")),
    ids=lambda page: page.relative_to(DOCS).as_posix(),
)
def test_a_page_has_the_same_lists_tables_and_blocks_as_at_github(page: Path) -> None:
    from markdown_it import MarkdownIt

    text = page.read_text()

    at_github = MarkdownIt("gfm-like", {"linkify": False}).render(text)

    assert counted(reader().reset().convert(text)) == counted(at_github)


# --- in a browser ------------------------------------------------------------


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with serving(site) as url:
        yield url


@contextlib.contextmanager
def serving(directory: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    with chromium() as window:
        yield window


@pytest.mark.browser
@pytest.mark.timeout(900)  # axe takes its time for pages of thousands of names
@pytest.mark.parametrize(("page", "scheme"), SCHEMES)
def test_axe_finds_nothing_and_no_other_machine_is_asked(
    page: str, scheme: Literal["light", "dark"], address: str, window: Window
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    # The window fails, at its end, for whatever is asked of elsewhere.
    with window.open(address, scheme=scheme) as tab:
        tab.goto(page)
        found = Axe().run(tab, options=AXE)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.browser
@pytest.mark.parametrize("page", LOOKED_AT)
def test_a_page_fits_a_phone(page: str, address: str, window: Window) -> None:
    with window.open(address, size=PHONE) as tab:
        tab.goto(page)
        width = tab.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0]


@pytest.mark.browser
def test_the_search_finds_a_setting(address: str, window: Window) -> None:
    with window.open(address) as tab:
        tab.goto("index.html")
        tab.get_by_role("textbox", name="Search").fill("dump.quota")
        found = tab.locator(".md-search-result__link").first
        found.wait_for()
        leads_to = found.get_attribute("href")
        assert leads_to is not None
        tab.goto(leads_to)
        assert "dump.quota" in tab.locator("article").inner_text()


@pytest.mark.browser
def test_a_diagram_is_drawn(address: str, window: Window) -> None:
    with window.open(address) as tab:
        tab.goto("overview.html")
        drawn = tab.locator("div.mermaid").first
        drawn.wait_for()
        box = drawn.bounding_box()
        assert box is not None
        assert box["height"] > 200
