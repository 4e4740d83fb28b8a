"""Debian's versions: deb-version(7) and Debian Policy 5.6.12."""

from __future__ import annotations

import re
from itertools import zip_longest

__all__ = ["compare_dpkg"]

_VERSION = re.compile(
    r"(?:(?P<epoch>[0-9]{1,9}):)?(?P<upstream>[0-9][A-Za-z0-9.+:~-]*)", re.ASCII
)
_REVISION = re.compile(r"[A-Za-z0-9+.~]+", re.ASCII)
_PART = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)


def compare_dpkg(one: str, other: str) -> int | None:
    """Return -1, 0 or 1 as ``dpkg --compare-versions``; None if one is no version."""
    first, second = _rank(one), _rank(other)
    if first is None or second is None:
        return None
    if first[0] != second[0]:
        return 1 if first[0] > second[0] else -1
    for left, right in zip(first[1:], second[1:], strict=True):
        order = _compare_parts(left, right)
        if order:
            return order
    return 0


def _rank(version: str) -> tuple[int, str, str] | None:
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    upstream, dash, revision = match["upstream"].rpartition("-")
    if not dash:
        upstream, revision = revision, ""
    elif not upstream or not _REVISION.fullmatch(revision):
        return None
    if ":" in upstream and match["epoch"] is None:
        return None
    return int(match["epoch"] or 0), upstream, revision


def _compare_parts(one: str, other: str) -> int:
    parts = zip_longest(_PART.findall(one), _PART.findall(other), fillvalue=("", ""))
    for (text, digits), (other_text, other_digits) in parts:
        order = _compare_texts(text, other_text)
        if order:
            return order
        number, other_number = int(digits or 0), int(other_digits or 0)
        if number != other_number:
            return 1 if number > other_number else -1
    return 0


def _compare_texts(one: str, other: str) -> int:
    """Letters come before other characters, ``~`` before even the end."""
    for left, right in zip_longest(one, other):
        order = _weight(left) - _weight(right)
        if order:
            return 1 if order > 0 else -1
    return 0


def _weight(character: str | None) -> int:
    if character is None:
        return 0
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
