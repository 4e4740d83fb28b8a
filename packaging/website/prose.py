"""The lines of a page outside of its blocks of code."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["change_prose"]

_FENCE = re.compile(r"^ *(```+|~~~+)")


def change_prose(text: str, change: Callable[[str], str]) -> str:
    """Return a page's text with each line outside of fenced blocks changed."""
    lines, fence = [], ""
    for line in text.split("\n"):
        marker = _FENCE.match(line)
        if marker and not fence:
            fence = marker[1]
        elif marker and line.strip() == fence:
            fence = ""
        lines.append(line if fence or marker else change(line))
    return "\n".join(lines)
