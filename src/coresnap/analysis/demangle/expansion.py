"""How long a mangled C++ name becomes, told without writing it.

A reference back to a part of the name costs two bytes and repeats that part, which may
hold references itself: 230 bytes were seen to become 27 MB, and no demangler has a
limit. It is measured where the grammar is read, and else bounded.
"""

from __future__ import annotations

import re
from collections import Counter

from coresnap.analysis.demangle.measure import Measure, UnreadableError

__all__ = ["expanded_size"]

_REFERENCE = re.compile(r"S[0-9A-Z]{0,4}_", re.ASCII)
_PARAMETERS = re.compile(r"T[L0-9_]{0,6}_", re.ASCII)
_EXPANSION = re.compile(r"[Ds]p", re.ASCII)
_MOST_COUNTED = 64


def expanded_size(name: str) -> int:
    """Characters of ``_Z…`` written out, at most.

    What the grammar is not read of (expressions) makes it a coarse bound: each
    reference may repeat everything before it.
    """
    try:
        return Measure(name).whole()
    except UnreadableError:
        return _coarse(name)


def _coarse(name: str) -> int:
    size = 64 + len(name) * 4
    for repeats in Counter(_REFERENCE.findall(name)).values():
        size *= 1 + repeats
    # What a parameter stands for differs from place to place.
    parameters = min(len(_PARAMETERS.findall(name)), _MOST_COUNTED)
    expansions = min(len(_EXPANSION.findall(name)), _MOST_COUNTED)
    return int(size * 2**parameters * len(name) ** expansions)
