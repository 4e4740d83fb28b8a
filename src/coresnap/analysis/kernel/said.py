"""A panic's words without what differs between two machines with the same fault."""

from __future__ import annotations

import re

__all__ = ["without_particulars"]

_LONGEST = 200
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+\b|\b[0-9a-f]{8,16}\b")
_PLACE = re.compile(r"(?:[\w.-]*/)*([\w.-]+\.[chS]):[0-9]+")
_NUMBER = re.compile(r"(?<![\w.])-?[0-9]+\b")
_FIRST_LINE = re.compile(r"[^\n]*")


def without_particulars(text: str) -> str:
    """Return ``text`` with ``#`` for addresses, numbers and lines of source files.

    Directories go, too: each machine's kernel was built in its own.
    """
    match = _FIRST_LINE.match(text[: 4 * _LONGEST])
    line = _PLACE.sub(r"\1:#", match[0] if match else "")
    line = _NUMBER.sub("#", _ADDRESS.sub("#", line))
    return " ".join(line.split())[:_LONGEST]
