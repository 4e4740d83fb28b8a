"""The lines of an INI file, each with its number, and what is wrong with the others.

Not ``configparser``: it ends at the first error of some kinds, knows no line numbers,
and joins an indented line to the one before, where a key that was indented is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

__all__ = ["Level", "Problem", "Section", "Statement", "read_lines"]


class Level:
    """How bad a problem is."""

    ERROR = "error"
    WARNING = "warning"
    """The file can be used; it is doubtful that it says what was meant."""


@attrs.frozen
class Problem:
    """Something about a line of the file."""

    line: int
    """From 1; 0 for the file as a whole."""
    message: str
    remedy: str = ""
    level: str = Level.ERROR


@attrs.frozen
class Section:
    """A line ``[name]`` or ``[name argument]``."""

    line: int
    name: str
    """Empty if the line was a problem."""
    argument: str = ""


@attrs.frozen
class Statement:
    """A line ``key = value``."""

    line: int
    section: Section
    key: str
    value: str


_SECTION = re.compile(r"\[\s*([^\s\]]+)(?:\s+(.*\S))?\s*\]")


def read_lines(text: str) -> Iterator[Section | Statement | Problem]:
    """Yield what each line says, in order; comments and empty lines say nothing."""
    section: Section | None = None
    # Only what ends a line for the eye: str.splitlines knows eight more.
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if not line.replace("\t", " ").isprintable():
            yield Problem(number, "a control character stands here", _CONTROL)
        elif line[0] == "[":
            section = _section(number, line)
            if section is None:
                yield Problem(number, f"this names no section: {_clip(line)}")
                section = Section(number, "")
            yield section
        elif "=" not in line:
            yield Problem(number, f"neither a section nor `key = value`: {_clip(line)}")
        elif section is None:
            yield Problem(number, "a key before the first [section]")
        else:
            key, _, value = line.partition("=")
            yield Statement(number, section, key.strip(), value.strip())


_CONTROL = "Settings are lines of UTF-8 text; tabs are the only control characters."


def _section(number: int, line: str) -> Section | None:
    match = _SECTION.fullmatch(line)
    return Section(number, match[1], match[2] or "") if match else None


def _clip(line: str) -> str:
    return line if len(line) <= 60 else line[:59] + "…"
