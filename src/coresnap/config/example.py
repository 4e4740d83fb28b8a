"""A coresnap.conf that says nothing but what could be said."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from coresnap.config.settings import SECTIONS, SETTINGS

__all__ = ["example"]

_HEADER = """\
# coresnap.conf: every setting with its default, each behind a #.
# `coresnap config check` finds mistakes, docs/configuration.md explains all.
"""
_FOOTER = """\
# What holds for some programs instead; PATTERN is matched with the executable's path.
#[application /usr/lib/firefox/*]
#keep = stacks
"""


def example() -> str:
    """Return the text of the file."""
    return "\n".join([_HEADER, *map(_section, SECTIONS), _FOOTER])


def _section(name: str) -> str:
    return "\n".join([f"[{name}]", *_lines(name), ""])


def _lines(section: str) -> Iterator[str]:
    for setting in SETTINGS:
        if setting.section == section:
            yield ""
            yield from textwrap.wrap(f"# {setting.meaning}", 80, subsequent_indent="# ")
            yield f"#{setting.name} = {setting.default}".rstrip()
