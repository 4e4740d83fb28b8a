"""Texts from a core as people and other programs may read them."""

from __future__ import annotations

__all__ = ["is_text", "readable"]

_BLANKS = frozenset(b"\t\n\r")
_MOST = 4096
"""Characters of a message that are kept."""


def readable(text: bytes) -> str:
    """The text without its last newline, cut at 4096 characters; whatever is not
    printable is escaped."""
    decoded = text.rstrip(b"\r\n").decode("utf-8", "backslashreplace")[:_MOST]
    if decoded.isprintable():
        return decoded
    return "".join(c if c.isprintable() else _escaped(c) for c in decoded)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def is_text(text: bytes) -> bool:
    """Whether it can be something that a person was meant to read."""
    if not text or any(byte < 0x20 and byte not in _BLANKS for byte in text):
        return False
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\x7f" not in text
