"""Regular expressions that cannot take for ever on the names of one stack.

An administrator's mistake would cost the analysis of every crash: what backtracks
exponentially is refused when it is read, and what is searched is short.
"""

from __future__ import annotations

import re

__all__ = ["LONGEST_TEXT", "compile_bounded", "found_in"]

LONGEST_TEXT = 512
"""Characters of a name that are searched."""
_LONGEST_PATTERN = 1024
_MOST_REPETITIONS = 6
"""Each multiplies the time by the length of the text at worst."""


def compile_bounded(pattern: str) -> re.Pattern[str]:
    """Compile ``pattern``.

    Raises ValueError, the rest of a sentence that begins with what it is for, if it is
    no regular expression, or repeats what itself repeats or has alternatives.
    """
    if not pattern or len(pattern) > _LONGEST_PATTERN:
        raise ValueError(f"has none or more than {_LONGEST_PATTERN} characters")
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    repetitions, nested = _repetitions(pattern)
    if nested:
        raise ValueError(
            "repeats a group that itself repeats or has alternatives, which may take"
            " for ever"
        )
    if repetitions > _MOST_REPETITIONS:
        raise ValueError(f"has more than {_MOST_REPETITIONS} repetitions")
    return compiled


def found_in(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Search the beginning of ``text``."""
    return pattern.search(text[:LONGEST_TEXT])


def _repetitions(pattern: str) -> tuple[int, bool]:
    """Count the repetitions, and say whether one has another, or ``|``, inside."""
    count, nested, at = 0, False, 0
    open_groups: list[bool] = []
    closed = False
    for at, token in _tokens(pattern):
        if token == "(":
            open_groups.append(False)
        elif token == ")":
            closed = open_groups.pop() if open_groups else False
            if closed and open_groups:
                open_groups[-1] = True
            continue
        elif token == "|" and open_groups:
            open_groups[-1] = True
        elif token in "*+{":
            count += 1
            nested |= closed and pattern[at - 1] == ")"
            if open_groups:
                open_groups[-1] = True
        closed = False
    return count, nested


def _tokens(pattern: str) -> list[tuple[int, str]]:
    """Characters outside of classes that are not escaped, with their places."""
    found, at, in_class = [], 0, False
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 2
            found.append((at - 1, "a"))
            continue
        if in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            found.append((at, "a"))
            at += pattern[at + 1 : at + 2] == "^"
            # A bracket that begins a class is a character of it.
            at += pattern[at + 1 : at + 2] == "]"
        else:
            found.append((at, character))
        at += 1
    return found
