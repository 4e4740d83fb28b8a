"""How the meanings of spans look, in the terminal's own colours.

No meaning is told by colour alone, and none by red against green: what is painted also
differs in a word, a sign, or weight.
"""

from __future__ import annotations

import functools

from rich.style import Style

__all__ = ["STYLES", "paint"]

STYLES = {
    "title": "bold",
    "alarm": "bold red",
    "function": "yellow",
    "place": "cyan",
    "doubt": "dim",
    "name": "blue",
    "critical": "bold reverse red",
    "warning": "bold magenta",
    "comment": "dim",
    "current": "bold reverse",
    "live": "cyan",
    "free": "yellow underline",
    "damaged": "bold reverse",
    "top": "dim underline",
    "metadata": "magenta",
    "unknown": "dim",
    "absent": "dim",
}
"""Meaning to a style; states of memory are those of ``MemoryRun``."""


@functools.cache
def paint(name: str, is_cursor: bool, has_focus: bool) -> Style:
    """Return the style of a meaning, in the line of the cursor or another."""
    style = Style.parse(STYLES[name]) if name in STYLES else Style()
    if not is_cursor:
        return style
    return style + Style(reverse=True, bold=True) if has_focus else style + _RESTING


_RESTING = Style(underline=True, bold=True)
