"""Fatal log messages of glog and abseil: ``CHECK``, ``LOG(FATAL)``, ``ABSL_RAW_CHECK``.

glog and ``absl/log`` write a line that begins with ``F`` and the date (``1231``, or
``20241231``) into a buffer that the stack leads to; abseil's raw logging writes on the
stack.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable

__all__ = ["find_fatal_log"]

_FUNCTIONS = ("google::LogMessage", "absl::", "logging::LogMessage")
_SEARCHED = 16
_LONGEST = 1 << 13
_CHECK = "Check failed: "
_ERRNO = 4
"""glog's text stands behind an errno (``LogMessageData`` in ``logging.cc``)."""
_RAW = b"] RAW: "
_DIGITS = frozenset(b"0123456789")


def find_fatal_log(process: DeadProcess) -> Iterator[Message]:
    """Yield the message, if a logging function stands on the crashed thread's stack.

    ``parts``: ``file``, ``line``, and ``expression`` of a CHECK, or ``reason``.
    """
    inner = process.frames[:_SEARCHED]
    if not any((frame.function or "").startswith(_FUNCTIONS) for frame in inner):
        return
    for address, text in (*_pointed_to(process), *_raw(process)):
        words = readable(text)
        parts = _parts(words)
        if parts:
            yield Message("log", words, address, "stack", process.tid, parts)
            return


def _pointed_to(process: DeadProcess) -> Iterator[tuple[int, bytes]]:
    """``F1231 23:59:59.000000 thread file:line] words``, that a word leads to."""
    seen: set[int] = set()
    for _, word in process.stack_words():
        if word in seen or process.memory.find_mapping(word) is None:
            continue
        seen.add(word)
        for address in (word, word + _ERRNO):
            date = process.memory.read_some(address, 10).partition(b" ")[0]
            if date[:1] != b"F" or len(date) not in (5, 9):
                continue
            text = process.text(address, _LONGEST)
            if _DIGITS.issuperset(date[1:]) and text and is_text(text):
                yield address, text


def _raw(process: DeadProcess) -> Iterator[tuple[int, bytes]]:
    """``[file : line] RAW: words``."""
    start, data = process.stack_bytes()
    at = data.rfind(_RAW)
    first = data.rfind(b"[", 0, at) if at >= 0 else -1
    text = data[first : at + _LONGEST].partition(b"\0")[0] if first >= 0 else b""
    if is_text(text):
        yield start + first, text


def _parts(text: str) -> dict[str, str]:
    place, found, words = text.partition("] ")
    raw = words.removeprefix("RAW: ")
    if raw != words:
        file, _, line = place.removeprefix("[").partition(" : ")
    else:
        file, _, line = place.rpartition(" ")[2].rpartition(":")
    if not found or not line.isdigit():
        return {}
    parts = {"file": file, "line": line}
    expression, failed, why = raw.removeprefix("Check ").partition(" failed: ")
    if raw.startswith(_CHECK):
        parts["expression"] = raw.removeprefix(_CHECK)
    elif failed and raw.startswith("Check "):
        parts["expression"] = f"{expression}: {why}" if why else expression
    else:
        parts["reason"] = raw
    return parts
