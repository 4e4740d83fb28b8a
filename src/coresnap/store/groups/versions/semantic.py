"""Precedence of Semantic Versioning 2.0.0 (section 11), for one to five numbers."""

from __future__ import annotations

import re

__all__ = ["compare_semantic"]

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    r"[vV]?(?P<release>[0-9]+(?:\.[0-9]+){0,4})"
    rf"(?:-(?P<before>{_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?",
    re.ASCII,
)

_Identifier = tuple[bool, int, str]


def compare_semantic(one: str, other: str) -> int | None:
    """Return -1, 0 or 1; None if one of them is no such version."""
    first, second = _rank(one), _rank(other)
    if first is None or second is None:
        return None
    return (first > second) - (first < second)


def _rank(
    version: str,
) -> tuple[tuple[int, ...], bool, tuple[_Identifier, ...]] | None:
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = [int(number) for number in match["release"].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 1.2 is 1.2.0
    before = match["before"]
    identifiers = before.split(".") if before is not None else []
    return tuple(numbers), before is None, tuple(map(_identifier, identifiers))


def _identifier(text: str) -> _Identifier:
    # Numbers are before words, and fewer identifiers before more of them.
    return (False, int(text), "") if text.isdigit() else (True, 0, text)
