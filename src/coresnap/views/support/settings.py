"""Files of settings as they are understood: no comments, and no secrets.

A comment may hold what was a token yesterday, and a line that makes no sense may be a
token in the wrong place. So only statements are shown, and of those that are secret
only that they are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from coresnap.config.ini import Problem, Section, Statement, read_lines
from coresnap.config.places import find_source
from coresnap.config.reading import read_text
from coresnap.errors import CoresnapError
from coresnap.snapshot.scrubbing.assignments import is_secret_name
from coresnap.views.support.piece import Context

__all__ = ["secrets_of", "settings_text", "store_settings_text"]

_REMOVED = "(removed)"
_SECRET_SECTIONS = ("token",)
_CLIPPED = (79, 59)
"""Lengths to which messages about a value cut it."""
_SHORTEST = 6


def settings_text(context: Context) -> str:
    """Return coresnap.conf."""
    lines = [f"# {context.config_problem}"] if context.config_problem else []
    path = context.source or find_source()
    if path is None:
        return "\n".join([*lines, "# there is no file: the defaults hold", ""])
    return "\n".join([*lines, *_shown(path), ""])


def store_settings_text(context: Context) -> str:
    """Return coroner.cf, without its tokens."""
    for path in context.config.store_config:
        if path.exists():
            return "\n".join([*_shown(path), ""])
    names = ", ".join(map(str, context.config.store_config))
    return f"# there is none of {names or 'no places'}\n"


def _shown(path: Path) -> Iterator[str]:
    yield f"# {path}"
    for line in read_lines(read_text(path)):
        if isinstance(line, Problem):
            yield f"# line {line.line} makes no sense"
        elif isinstance(line, Section):
            yield (
                f"[{line.name} {line.argument}]" if line.argument else f"[{line.name}]"
            )
        else:
            yield f"{line.key} = {_REMOVED if _is_secret(line) else line.value}"


def _is_secret(statement: Statement) -> bool:
    return statement.section.name in _SECRET_SECTIONS or is_secret_name(statement.key)


def secrets_of(context: Context) -> Iterator[str]:
    """Yield what files of settings hold that nobody else may have, as far as they can
    be read: it is looked for in all pieces."""
    source = context.source or find_source()
    ours = () if source is None else (source,)
    for path in (*ours, *context.config.store_config):
        yield from _secrets(path)


def _secrets(path: Path) -> Iterator[str]:
    try:
        text = read_text(path)
    except (CoresnapError, OSError):
        return
    raw = re.split(r"\r\n|\n|\r", text)
    for line in read_lines(text):
        if isinstance(line, Problem):
            # Messages about it show how it begins.
            yield from _as_quoted(raw[line.line - 1].strip())
        elif isinstance(line, Statement) and _is_secret(line):
            yield from _as_quoted(line.value)


def _as_quoted(value: str) -> Iterator[str]:
    for length in (len(value), *_CLIPPED):
        if len(value) >= length >= _SHORTEST:
            yield value[:length]
