"""Texts of processes at a length that a page or a terminal can bear."""

from __future__ import annotations

__all__ = ["shortened"]

_NAME_MAX = 400


def shortened(text: str, most: int = _NAME_MAX) -> str:
    """Return ``text`` with at most about ``most`` characters, saying if it was cut.

    A symbol or an argument may have a megabyte, and stand on a page many times.
    """
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text):,} characters)"
