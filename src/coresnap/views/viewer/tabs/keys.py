"""What the keys do."""

from __future__ import annotations

from coresnap.views.fault.fault import Fault
from coresnap.views.viewer.line import Line, line
from coresnap.views.viewer.looked import Looked

__all__ = ["KEYS", "keys"]

KEYS = (
    ("h j k l", "left, down, up, right; so do the arrows"),
    ("H L", "first and last line that is seen"),
    ("g G", "first and last line; Home and End"),
    ("Space, Ctrl-F, Ctrl-B", "a page down and up; PgDn and PgUp"),
    ("Tab, 1–4", "next pane; threads, frames, variables, tabs"),
    ("[ ]", "previous and next tab"),
    ("+ -", "open and close threads of one stack, or a variable"),
    ("Enter", "follow: warning to its owner, pointer to memory, file to its text"),
    ("w", "warnings"),
    ("M", "this pane alone, and back"),
    ("/ n N", "search for a regular expression; next, and the one before"),
    ("m A, ' A", "mark this place as A, and go back to it"),
    ("Ctrl-O", "back to where the last jump came from"),
    ("u", "show this position, and copy it to the terminal's clipboard"),
    (":j POSITION", "go to a position: THREAD/FRAME/VARIABLE"),
    (":N", "frame, thread or line N"),
    (":x ADDRESS", "memory at an address"),
    (":sort, :rsort ORDER", "threads by tid, name, function, frames, threads"),
    (":group HOW, :ungroup", "fold threads by callstack or name, or none"),
    (":TAB", "a tab, by its name or the start of it"),
    (":s [FILE]", "save the kept file that the cursor is on"),
    (":!COMMAND", "the shell; $FILE, $LINE, $POSITION and $SNAPSHOT are set"),
    ("q, :q", "leave"),
)
"""Keys and commands to what they do."""


def keys(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return a line for each key."""
    return [line((f"{key:<22} ", "title"), words) for key, words in KEYS]
