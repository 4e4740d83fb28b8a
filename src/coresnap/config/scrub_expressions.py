"""Regular expressions of what is taken out of snapshots (``scrub.N``).

``scrub.1 = customer customer=([0-9]+)`` takes out the number and leaves the mark
``[scrubbed customer]``.
"""

from __future__ import annotations

import re

from coresnap.config.bounded_regex import compile_bounded
from coresnap.config.nouns import ScrubExpression

__all__ = ["SCRUBBERS", "parse_scrub_expression", "parse_scrubbers"]

SCRUBBERS = ("key", "token", "ccn", "ssn", "env", "url")
"""The built-in ones (``docs/scrubbing.md``)."""


def parse_scrubbers(text: str) -> tuple[str, ...]:
    """Return names of built-in scrubbers; none for ``none``."""
    if text == "none":
        return ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in SCRUBBERS:
            known = ", ".join(SCRUBBERS)
            raise ValueError(f"has {name!r}, which is none of {known}, or none")
    if not names:
        raise ValueError("names no scrubber; none is written as none")
    return names


def parse_scrub_expression(number: int, text: str) -> ScrubExpression:
    """Return that of ``scrub.<number>``; ValueError is the rest of a sentence."""
    name, _, pattern = text.partition(" ")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,31}", name) or name in SCRUBBERS:
        raise ValueError("does not begin with a name of its own: letters, digits, _.-")
    compile_bounded(pattern.strip())
    return ScrubExpression(number, name, pattern.strip())
