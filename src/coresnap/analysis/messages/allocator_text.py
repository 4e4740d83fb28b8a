"""What jemalloc, tcmalloc and mimalloc printed before they aborted.

They write from buffers on the stack (jemalloc's ``malloc_printf``, tcmalloc's ``Log``,
mimalloc's ``mi_vfprintf``), where the text stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable

__all__ = ["find_allocator_text"]

_MARKS = (
    (b"<jemalloc>: ", "jemalloc"),
    (b"mimalloc: error: ", "mimalloc"),
    (b"/tcmalloc.cc:", "tcmalloc"),
    (b"tcmalloc: ", "tcmalloc"),
)
_LONGEST = 2048
_BEFORE = 64
"""Bytes of a path that may stand before tcmalloc's mark."""
_POINTER_DIGITS = 16


def find_allocator_text(process: DeadProcess) -> Iterator[Message]:
    """Yield what is on the crashed thread's stack.

    ``parts``: ``allocator``, ``reason``, and ``pointer`` if the text names one.
    """
    start, data = process.stack_bytes()
    for mark, allocator in _MARKS:
        at = data.rfind(mark)
        if at < 0:
            continue
        first = _line_start(data, at)
        text = data[first : first + _LONGEST].partition(b"\0")[0].partition(b"\n")[0]
        reason = _reason(text, mark)
        if len(reason) < 8 or not is_text(text) or b"%" in reason:
            continue
        words = readable(text)
        parts = {"allocator": allocator, "reason": readable(reason).strip()}
        pointer = _pointer(parts["reason"])
        if pointer:
            parts["pointer"] = pointer
        yield Message("allocator", words, start + first, "stack", process.tid, parts)
        return


def _line_start(data: bytes, at: int) -> int:
    while at > 0 and at > _BEFORE and 0x20 <= data[at - 1] < 0x7F:
        at -= 1
    return at


def _reason(text: bytes, mark: bytes) -> bytes:
    """Behind the mark, and for tcmalloc behind ``line] ``."""
    behind = text.partition(mark)[2]
    if mark.endswith(b".cc:"):
        behind = behind.partition(b"] ")[2]
    return behind


def _pointer(reason: str) -> str:
    digits = reason.partition("0x")[2]
    count = 0
    while count < min(len(digits), _POINTER_DIGITS) and digits[count] in _HEX:
        count += 1
    return f"0x{digits[:count]}" if count else ""


_HEX = frozenset("0123456789abcdef")
