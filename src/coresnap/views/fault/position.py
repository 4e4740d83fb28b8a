"""Places in a fault that people give to each other."""

from __future__ import annotations

import re

import msgspec

from coresnap.errors import UsageError

__all__ = ["GLOBALS", "Position"]

GLOBALS = "globals"
"""Stands for a thread in positions of variables that belong to none."""

_FORM = re.compile(r"(-?\d{1,20}(?:\.\d{1,9})?|globals)(?:/(\d{0,9})(?:/(.*))?)?")


class Position(msgspec.Struct, frozen=True):
    """A thread, one of its frames, or a variable there: ``4711/3/list->head``."""

    thread: str
    """Its tid; with ``.2`` the second thread that has it; or ``globals``."""
    frame: int | None = None
    """As people count frames: ``Frame.left_out`` are numbered too."""
    variable: str = ""
    """``Value.path``."""

    def __str__(self) -> str:
        """Return the text that ``parse`` takes."""
        if self.variable:
            frame = "" if self.frame is None else self.frame
            return f"{self.thread}/{frame}/{self.variable}"
        return self.thread if self.frame is None else f"{self.thread}/{self.frame}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that ``text`` tells; raise UsageError if it is none."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise UsageError(
                f"{text[:80]!r} is no position",
                remedy="A position is THREAD, THREAD/FRAME or THREAD/FRAME/VARIABLE: "
                "4711/3/list->head.",
            )
        thread, frame, variable = match.groups()
        return cls(thread, int(frame) if frame else None, variable or "")
