"""What a process chose, where it must not be more than a line of text."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    """Return ``text`` if it is printable; else it with all that is not escaped."""
    if text.isprintable():
        return text
    return text.encode("unicode_escape").decode()
