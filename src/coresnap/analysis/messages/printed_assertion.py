"""Failed assertions as they were printed, where a C library keeps no message.

FreeBSD's ``__assert`` (``lib/libc/gen/assert.c``) prints to standard error, whose
buffer is on the stack, where the text stays.
"""

from __future__ import annotations

from coresnap.analysis.messages.assertion import assertion_parts
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable

__all__ = ["printed_assertion"]

_SYSTEMS = frozenset({"FreeBSD"})
"""Elsewhere the words are some program's own."""
_MARK = b"Assertion failed: ("
_END = b".\n\0"
_LONGEST = 1 << 10
"""Bytes of the buffer of a stream that has none of its own (``vfprintf.c``)."""


def printed_assertion(process: DeadProcess) -> Message | None:
    """The assertion whose text is whole on the crashed thread's stack."""
    if process.core.system not in _SYSTEMS:
        return None
    start, data = process.stack_bytes()
    at = data.rfind(_MARK)
    line, ended, _ = data[at : at + _LONGEST].partition(_END)
    if at < 0 or not ended or b"\n" in line or not is_text(line):
        return None
    text = readable(line + b".")
    parts = assertion_parts(text)
    if not parts:
        return None
    return Message("assert", text, start + at, "stack", process.tid, parts)
