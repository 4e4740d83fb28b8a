"""A C++ or Rust name as a tree: text, and what stands in brackets."""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

__all__ = ["Group", "Part", "parsed"]

_DEPTH_LIMIT = 100
_TOKEN = (
    r"\boperator(?:\(\)|\[\]|<=>|<<=|>>=|->\*?|<<|>>|<=|>=|<|>)|->|=>|[(<{\[)>}\],]"
)
"""Brackets and commas, and what looks like them: operators, arrows."""
_CLOSING = {"(": ")", "<": ">", "{": "}", "[": "]"}
_CLOSERS = frozenset(_CLOSING.values())


class Group(msgspec.Struct):
    """Brackets and what they hold, parted at commas."""

    opening: str
    items: list[list[Part]] = msgspec.field(default_factory=lambda: [[]])

    @property
    def closing(self) -> str:
        """The bracket that ends it."""
        return _CLOSING[self.opening]


Part: TypeAlias = "str | Group"


def parsed(name: str) -> list[Part] | None:
    """The parts of ``name``; None if its brackets do not match or nest too deep."""
    if name.isidentifier():
        return [name]
    whole: list[Part] = []
    open_groups: list[Group] = []
    at = 0
    for token in re.finditer(_TOKEN, name):
        text = token[0]
        current = open_groups[-1].items[-1] if open_groups else whole
        is_bracket = len(text) == 1
        is_comparison = text in "<>" and bool(open_groups) and _compares(open_groups)
        if not is_bracket or is_comparison or (text == "," and not open_groups):
            continue
        _add(current, name[at : token.start()])
        at = token.end()
        if text in _CLOSING:
            group = Group(text)
            current.append(group)
            open_groups.append(group)
        elif text in _CLOSERS:
            if not open_groups or open_groups.pop().closing != text:
                return None
        else:
            open_groups[-1].items.append([])
        if len(open_groups) > _DEPTH_LIMIT:
            return None
    _add(whole, name[at:])
    return None if open_groups else whole


def _compares(open_groups: list[Group]) -> bool:
    """Whether ``<`` and ``>`` here are operators: ``f<((1)>(0))>``."""
    group = open_groups[-1]
    item = group.items[-1]
    return group.opening == "(" and bool(item) and isinstance(item[-1], Group)


def _add(parts: list[Part], text: str) -> None:
    if text:
        parts.append(text)
