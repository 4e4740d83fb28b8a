"""C++ functions without return type and parameters."""

from __future__ import annotations

import re

__all__ = ["without_parameters"]


def without_parameters(name: str) -> str:
    """Take return type, parameter list and trailing qualifiers off a C++ name."""
    end = _parameters_start(name)
    if end is None:
        return name
    head = name[:end]
    return head[_return_type_end(head) :].strip() or name


_TOKEN = re.compile(
    r"\boperator(?:\(\)|\[\]|<=>|<<=|>>=|->\*?|<<|>>|<=|>=|<|>|\b)|[(<{\[)>}\] ]"
)
"""Brackets and spaces, and operators' names with those symbols that look alike."""


def _parameters_start(name: str) -> int | None:
    """Index of the parenthesis that opens the function's own parameters.

    It is the last one at depth 0, because what follows is at most `const`, `&` and
    `[clone …]`; but ``(anonymous namespace)`` has parentheses too, and so have the
    parameters of an enclosing function: ``f(int)::{lambda()#1}``.
    """
    depth = 0
    start: int | None = None
    for token in _TOKEN.finditer(name):
        text = token[0]
        if text == "(" and depth == 0:
            start = token.start()
        if text in _OPENING:
            depth += 1
        elif text in _CLOSING:
            depth = max(depth - 1, 0)
            if depth == 0 and name.startswith(")::", token.start()):
                start = None
    if start is not None and name.startswith("(anonymous namespace)", start):
        return None
    return start


_OPENING = frozenset("(<{[")
_CLOSING = frozenset(")>}]")


def _return_type_end(head: str) -> int:
    """Index where the function's name starts: after the last space at depth 0.

    The spaces of ``operator new`` and ``operator< <int>`` belong to the name.
    """
    depth = 0
    end = 0
    for token in _TOKEN.finditer(head):
        text = token[0]
        if text in _OPENING:
            depth += 1
        elif text in _CLOSING:
            depth = max(depth - 1, 0)
        elif depth == 0 and text != " ":
            break
        elif depth == 0 and not _QUALIFIER.match(head, token.end()):
            end = token.end()
    return end


_QUALIFIER = re.compile(r"(?:const|volatile|&&?|noexcept|\s)+::")
"""Behind an enclosing member function: ``f() const::{lambda()#1}``."""
