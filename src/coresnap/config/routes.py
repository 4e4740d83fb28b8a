"""Routes: which project a crash belongs to (``format.N``).

``format.1 = web %e /nginx$`` sends crashes whose executable's name ends in ``nginx`` to
the project ``web``. A regular expression begins with a slash, ends with its word (a
slash there is optional), and may match anywhere unless it is anchored. The order is
that of the numbers, and the first that matches counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from coresnap.config.kinds import parser_of
from coresnap.config.nouns import Route

__all__ = ["SPECIFIERS", "parse_route", "project_of"]

SPECIFIERS = {
    "e": "base name of the executable",
    "E": "path of the executable",
    "h": "host name",
    "s": "signal, as a number",
    "u": "user id",
}
"""Letters as in core_pattern(5), to what they stand for."""


def parse_route(number: int, text: str) -> Route:
    """Return the route of ``format.<number>``; ValueError is the rest of a sentence."""
    project, *words = text.split() or [""]
    parser_of("project")(project)
    if len(words) % 2:
        raise ValueError("does not give a specifier and a regular expression by turns")
    pairs = zip(words[::2], words[1::2], strict=True)
    return Route(number, project, tuple(_condition(*pair) for pair in pairs))


def _condition(specifier: str, expression: str) -> tuple[str, re.Pattern[str]]:
    letter = specifier.removeprefix("%")
    if letter == specifier or letter not in SPECIFIERS:
        known = ", ".join(f"%{known}" for known in SPECIFIERS)
        raise ValueError(f"has {specifier!r} for a specifier, which is none of {known}")
    if not expression.startswith("/"):
        raise ValueError(f"has {expression!r} for a /regular expression/")
    bare = expression[1:].removesuffix("/")
    try:
        return letter, re.compile(bare)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"has {bare!r}, which is no expression: {error}") from error


def project_of(routes: Sequence[Route], values: dict[str, str]) -> str | None:
    """Return the project of a crash; None if no route fits.

    ``values`` are those of ``SPECIFIERS`` that are known.
    """
    return next((route.project for route in routes if route.fits(values)), None)
