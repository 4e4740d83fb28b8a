"""Versions of rpm's packages, by the rules of ``rpmvercmp``.

As rpm's documentation has them: what is no letter, digit, ``~`` or ``^`` only
separates; segments of digits compare as numbers, and are later than ones of letters,
which compare as text; whoever has segments left is later. ``~`` comes before the end,
``^`` after the end and before everything else.
https://rpm-software-management.github.io/rpm/manual/dependencies.html
"""

from __future__ import annotations

import re

__all__ = ["compare_rpm"]

_VERSION = re.compile(
    r"(?:(?P<epoch>[0-9]{1,9}):)?(?P<version>[A-Za-z0-9._+~^]+)"
    r"(?:-(?P<release>[A-Za-z0-9._+~^]+))?",
    re.ASCII,
)
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|[~^]", re.ASCII)


def compare_rpm(one: str, other: str) -> int | None:
    """Return -1, 0 or 1; None if one of them is no version of rpm's.

    Where one of them has no release, releases do not count.
    """
    first, second = _VERSION.fullmatch(one), _VERSION.fullmatch(other)
    if first is None or second is None:
        return None
    epochs = int(first["epoch"] or 0), int(second["epoch"] or 0)
    if epochs[0] != epochs[1]:
        return 1 if epochs[0] > epochs[1] else -1
    order = _compare(first["version"], second["version"])
    if order or first["release"] is None or second["release"] is None:
        return order
    return _compare(first["release"], second["release"])


def _compare(one: str, other: str) -> int:
    left, right = _SEGMENT.findall(one), _SEGMENT.findall(other)
    for at in range(max(len(left), len(right))):
        mine = left[at] if at < len(left) else ""
        theirs = right[at] if at < len(right) else ""
        if mine != theirs:
            order = _compare_segments(mine, theirs)
            if order:
                return order
    return 0


def _compare_segments(one: str, other: str) -> int:
    if "~" in (one, other):
        return -1 if one == "~" else 1
    if one == "^":
        return -1 if other else 1
    if other == "^":
        return 1 if one else -1
    if not one or not other:
        return 1 if one else -1
    if one.isdigit() and other.isdigit():
        return (int(one) > int(other)) - (int(one) < int(other))
    if one.isdigit() != other.isdigit():
        return 1 if one.isdigit() else -1
    return 1 if one > other else -1
