"""The HTML part of a mail: what mail programs agree on, and nothing that calls home."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from coresnap.integrations.wording import Section, Wording, shown
from coresnap.model.notice import Notice, Told

__all__ = ["html_of"]

# Mail programs drop style sheets, so styles stand where they count.
_BODY = "font-family:sans-serif;font-size:15px;line-height:1.45;max-width:46em"
_CODE = (
    "font-family:monospace;font-size:13px;background:#f4f4f4;color:#111;"
    "padding:8px;white-space:pre-wrap"
)
_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top"
_QUIET = "color:#666;font-size:13px"
_BUTTON = (
    "background:#1f5fa8;color:#ffffff;padding:8px 14px;text-decoration:none;"
    "border-radius:4px"
)
_MOST_GROUPS = 30


def html_of(notice: Notice, wording: Wording) -> str:
    """Return a document of HTML."""
    body = "\n".join(_parts(notice, wording))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(wording.subject)}</title></head>\n"
        f'<body style="{_BODY}">\n{body}\n</body></html>\n'
    )


def _parts(notice: Notice, wording: Wording) -> Iterator[str]:
    yield f'<h1 style="font-size:18px">{escape(wording.subject)}</h1>'
    yield f"<p>{escape(wording.happened)}</p>"
    if wording.summary:
        yield f"<p>{escape(wording.summary)}</p>"
    if wording.facts:
        yield _table(((f"{n}:", v) for n, v in wording.facts))
    if notice.lines:
        yield _groups(notice.lines)
    else:
        yield from map(_section, wording.sections)
    if wording.url.startswith(("https://", "http://")):
        url = escape(wording.url)
        yield f'<p><a style="{_BUTTON}" href="{url}">Open in Coresnap</a></p>'
    if wording.get:
        yield f'<p><code style="{_CODE}">{escape(wording.get)}</code></p>'
    yield f'<p style="{_QUIET}">{escape(wording.origin)}</p>'


def _table(rows: Iterator[tuple[str, str]]) -> str:
    lines = (
        f'<tr><th style="{_CELL}">{escape(name)}</th>'
        f'<td style="{_CELL}">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{''.join(lines)}</table>"


def _section(section: Section) -> str:
    lines = escape("\n".join(section.lines))
    title = f'<h2 style="font-size:15px">{escape(section.title)}</h2>'
    return f'{title}\n<pre style="{_CODE}">{lines}</pre>'


def _groups(groups: tuple[Told, ...]) -> str:
    heads = ("Faults", "Before", "Hosts", "State", "Group")
    head = "".join(f'<th style="{_CELL}">{name}</th>' for name in heads)
    rows = "".join(map(_group, groups[:_MOST_GROUPS]))
    left = len(groups) - _MOST_GROUPS
    more = f'<p style="{_QUIET}">… {left} more</p>' if left > 0 else ""
    return f"<table><tr>{head}</tr>{rows}</table>{more}"


def _group(told: Told) -> str:
    title = escape(shown(told.title, 150)) or told.group[:16]
    if told.url.startswith(("https://", "http://")):
        title = f'<a href="{escape(shown(told.url, 2_000))}">{title}</a>'
    state = escape(shown(told.state, 30)) + (", new" if told.is_new else "")
    cells = (f"{told.count:,}", f"{told.before:,}", f"{told.hosts:,}", state, title)
    row = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
    return f"<tr>{row}</tr>"
