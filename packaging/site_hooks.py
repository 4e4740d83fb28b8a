"""What mkdocs calls while it builds the site (``hooks`` of mkdocs.yml)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from website.commands import commands_page
from website.contents import expand
from website.exit_codes import exit_codes_page
from website.links import rewrite
from website.openapi import description, operations_page
from website.places import DOCS
from website.repository import linked_pages, outside_pages
from website.settings import settings_page
from website.tables import unescape_pipes

_STYLE = Path(__file__).with_name("website") / "site.css"
_SEARCH = 'data-md-component="search" role="dialog"'
_MERMAID = "javascripts/mermaid.js"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of folders into the table of contents."""
    config.nav = expand(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs: pages made of the code, pages and files around docs."""
    for address, content in _added():
        files.append(File.generated(config, address, content=content))
    return files


def _added() -> Iterator[tuple[str, str | bytes]]:
    yield "reference/commands.md", commands_page()
    yield "reference/settings.md", settings_page()
    yield "reference/exit-codes.md", exit_codes_page()
    yield "reference/http.md", operations_page("openapi.json")
    yield "reference/openapi.json", description()
    yield from outside_pages()
    yield from linked_pages()
    yield "stylesheets/site.css", _STYLE.read_text()
    # The browser draws diagrams; this is mermaid's own file, without its network.
    yield _MERMAID, (resources.files("mermaidx") / "assets/mermaid.js").read_bytes()


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:  # noqa: ANN401
    """Let links that leave docs lead to what was added."""
    source = DOCS / page.file.src_uri
    if page.file.generated_by is None:
        markdown = rewrite(markdown, source, page.file.src_uri)
    return unescape_pipes(markdown)


def on_post_page(output: str, page: Page, **_: Any) -> str:  # noqa: ANN401
    """Name the search for who hears the page, and load what draws its diagrams."""
    output = output.replace(_SEARCH, f'{_SEARCH} aria-label="Search"', 1)
    if 'class="mermaid"' not in output:
        return output
    depth = page.url.count("/")
    script = f'<script src="{"../" * depth}{_MERMAID}"></script>\n'
    return output.replace("</head>", f"{script}</head>", 1)
