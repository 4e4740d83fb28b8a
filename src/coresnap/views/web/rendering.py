"""Templates, and how values look on every page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from coresnap.snapshot.escape import printable
from coresnap.views.fault.filters import FILTERS
from coresnap.views.quantity import decimal_size

__all__ = ["make_environment"]

_HERE = Path(__file__).parent
_PERIODS = (
    ("y", 31_557_600),
    ("mo", 2_629_800),
    ("d", 86_400),
    ("h", 3_600),
    ("min", 60),
)


def make_environment(version_of: Mapping[str, str]) -> jinja2.Environment:
    """Return the environment of all templates.

    ``version_of``: name of a static file to a mark that changes with its contents.
    Every text that a template puts out is made visible and escaped, wherever it comes
    from: names, frames and values were chosen by processes that crashed.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_HERE / "templates", _HERE.parent / "fault"]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        finalize=_visible,
    )
    environment.filters.update(
        number=_number, size=decimal_size, time=_time, ago=_ago, lines=_lines
    )
    environment.filters.update(FILTERS)
    environment.globals["static"] = lambda name: f"/static/{name}?v={version_of[name]}"
    return environment


def _visible(value: Any) -> Any:  # noqa: ANN401 - whatever a template puts out
    return printable(value) if type(value) is str else value


def _number(value: float) -> str:
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _time(seconds: float | None) -> Markup:
    """Return a <time> element for seconds since the epoch, in UTC."""
    if not seconds:
        return Markup("–")
    moment = time.gmtime(seconds)
    machine = time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
    people = time.strftime("%Y-%m-%d %H:%M:%S UTC", moment)
    return Markup('<time datetime="{}">{}</time>').format(machine, people)


def _ago(seconds: float | None) -> Markup:
    """Return a <time> element that says how long ago it was."""
    if not seconds:
        return Markup("–")
    moment = time.gmtime(seconds)
    machine = time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
    people = time.strftime("%Y-%m-%d %H:%M:%S UTC", moment)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        machine, people, _age(time.time() - seconds)
    )


def _age(seconds: float) -> str:
    for unit, length in _PERIODS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return "now" if seconds > -60 else "in the future"


def _lines(text: str) -> Markup:
    """Return text of several lines, each made visible."""
    return Markup("\n").join(escape(printable(line)) for line in text.split("\n"))
