"""The manual: docs/commands, and what docs say of files of settings, as man pages."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attrs

from builder.places import REPOSITORY
from builder.roff import Manual, page_of, render

__all__ = ["Page", "manual_pages", "write_manual"]

_DOCS = REPOSITORY / "docs"
_TITLE = re.compile(r"# ([\w.-]+)\((\d)\)\n")


@attrs.frozen
class Page:
    """A page of the manual before it is rendered."""

    name: str
    section: str
    markdown: str
    """From its first section on, all of which are headings of the second level."""


@attrs.frozen
class _File:
    """A file of settings, which a part of a page of docs/ describes."""

    name: str
    purpose: str
    source: str
    begin: str
    """The heading that its part begins with; empty for the page's own."""
    end: str
    """The first one that is not its own any more; empty for the rest."""
    places: str


_FILES = (
    _File(
        "coresnap.conf",
        "settings of coresnap and coresnapd",
        "configuration.md",
        "",
        "## coroner.cf\n",
        "/usr/local/etc/coresnap/coresnap.conf, /etc/coresnap/coresnap.conf",
    ),
    _File(
        "coroner.cf",
        "where the object store is, and what opens it",
        "configuration.md",
        "## coroner.cf\n",
        "",
        "~/.coroner.cf, /usr/local/etc/coroner.cf, /etc/coroner.cf, "
        "/etc/coresnap/coroner.cf",
    ),
    _File(
        "coronerd.conf",
        "settings of the object store's server",
        "http.md",
        "## coronerd.conf\n",
        "\n## ",
        "/usr/local/etc/coroner/coronerd.conf, /etc/coroner/coronerd.conf, "
        "/etc/coresnap/coronerd.conf",
    ),
)
_REFERENCES = {
    "configuration.md": "coresnap.conf(5)",
    "configuration.md#coronercf": "coroner.cf(5)",
    "http.md#coronerdconf": "coronerd.conf(5)",
}
_OF_THE_SERVER = ("coronerd.conf",)


def manual_pages() -> Iterator[Page]:
    """Yield all pages, commands first."""
    for path in sorted((_DOCS / "commands").glob("*.md")):
        text = path.read_text("utf-8")
        title = _TITLE.match(text)
        if title is None:
            raise ValueError(f"{path} does not begin with a title like name(1)")
        yield Page(title[1], title[2], text[title.end() :])
    for file in _FILES:
        yield Page(file.name, "5", _page_of_a_file(file))


def write_manual(client: Path, server: Path, version: str, epoch: int) -> None:
    """Write all pages, compressed, below the trees of the two packages."""
    sections = {page.name: page.section for page in manual_pages()}

    def reference(target: str) -> str | None:
        place = target.removeprefix("../").removeprefix("commands/")
        if place.partition("#")[0] in ("configuration.md", "http.md"):
            whole, _, _ = place.partition("#")
            return _REFERENCES.get(place) or _REFERENCES.get(whole)
        name = page_of(place)
        return f"{name}({sections[name]})" if name in sections else None

    date = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")
    for page in manual_pages():
        root = server if page.name in _OF_THE_SERVER else client
        target = root / f"usr/share/man/man{page.section}/{page.name}.{page.section}.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        manual = Manual(page.name, page.section, date, version, reference)
        text = render(manual, page.markdown)
        target.write_bytes(gzip.compress(text.encode(), mtime=0))


def _page_of_a_file(file: _File) -> str:
    text = (_DOCS / file.source).read_text("utf-8")
    if not file.begin:
        text = text.partition("\n")[2]
    elif file.begin in text:
        text = text.partition(file.begin)[2]
    else:
        raise ValueError(f"docs/{file.source} has no heading {file.begin!r}")
    if file.end:
        text = text.partition(file.end)[0]
    # What is parted by headings there stands below DESCRIPTION here.
    text = re.sub(r"(?m)^#{2,4} ", "### ", text)
    return (
        f"## NAME\n\n{file.name} – {file.purpose}\n\n"
        f"## SYNOPSIS\n\n{file.places}\n\n## DESCRIPTION\n{text}"
    )
