"""The report of a sanitizer, which it keeps in memory for whoever asks.

The run-times collect what they print (``AppendToErrorMessageBuffer`` in compiler-rt's
``asan_report.cpp``); UBSan prints from the stack.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable
from coresnap.elfcore.pointer_scan import scan_pointers
from coresnap.model import Frame

__all__ = ["find_sanitizer"]

_FUNCTIONS = ("__asan", "__hwasan", "__msan", "__sanitizer", "__tsan", "__ubsan")
_SEARCHED = 16
_REPORT = b"==ERROR: "
_LINE = int.from_bytes(b"=" * 8, "little")
_MOST_LINES = 4096
_RUNTIME_ERROR = b": runtime error: "
_LONGEST = 1 << 13
_LONGEST_LINE = 512


def find_sanitizer(process: DeadProcess) -> Iterator[Message]:
    """Yield the report, if a sanitizer stands on the crashed thread's stack.

    ``parts``: ``tool``, ``bug`` (its name there), ``access`` (``READ of size 1``),
    ``address``, and ``file``, ``line`` where the text has them.
    """
    if not any(_is_sanitizers(frame) for frame in process.frames[:_SEARCHED]):
        return
    for address, text in _reports(process):
        parts = _report_parts(text)
        if parts:
            first = readable(text.partition(b"\n")[0])
            yield Message("sanitizer", first, address, "scan", process.tid, parts)
            return
    yield from _runtime_error(process)


def _is_sanitizers(frame: Frame) -> bool:
    return (frame.function or "").startswith(_FUNCTIONS)


def _reports(process: DeadProcess) -> Iterator[tuple[int, bytes]]:
    """A report begins in pages of its own, with a line that is drawn."""
    for address, data in process.anonymous_memory(overlap=_LONGEST):
        for offset, _ in scan_pointers(
            data,
            [(_LINE, _LINE + 1)],
            pointer_size=8,
            byte_order=process.memory.byte_order,
            limit=_MOST_LINES,
        ):
            head = data[offset : offset + _LONGEST]
            at = head.find(_REPORT, 0, _LONGEST_LINE)
            if at >= 0:
                yield address + offset + at + 2, head[at + 2 :].partition(b"\0")[0]


def _report_parts(text: bytes) -> dict[str, str]:
    """``ERROR: AddressSanitizer: heap-use-after-free on address 0x… at pc …``."""
    if not is_text(text):
        return {}
    lines = text.decode("utf-8").splitlines()
    tool, found, rest = lines[0].removeprefix("ERROR: ").partition(": ")
    if not found or not tool.endswith("Sanitizer") or "%" in rest:
        return {}
    bug = rest.partition(" on ")[0].removeprefix("attempting ")
    parts = {"tool": tool, "bug": bug.partition(" (")[0][:_LONGEST_LINE]}
    for word in rest.split():
        if word.startswith("0x"):
            parts["address"] = word.rstrip(":,")
            break
    if len(lines) > 1 and lines[1].startswith(("READ ", "WRITE ")):
        parts["access"] = lines[1].partition(" at ")[0]
    for line in lines:
        if line.startswith("SUMMARY: "):
            parts["summary"] = line.removeprefix("SUMMARY: ")[:_LONGEST_LINE]
    return parts


def _runtime_error(process: DeadProcess) -> Iterator[Message]:
    """``file:line:column: runtime error: words``, UBSan's."""
    start, data = process.stack_bytes()
    at = data.rfind(_RUNTIME_ERROR)
    if at < 0:
        return
    first = at
    while first > max(0, at - _LONGEST_LINE) and 0x20 <= data[first - 1] < 0x7F:
        first -= 1
    text = data[first : at + _LONGEST].partition(b"\0")[0].partition(b"\n")[0]
    place, _, bug = text.partition(_RUNTIME_ERROR)
    if not is_text(text):
        return
    parts = {"tool": "UndefinedBehaviorSanitizer", "bug": readable(bug)}
    words = readable(place).rsplit(":", 2)
    if len(words) == 3 and words[1].isdigit():
        parts["file"], parts["line"] = words[0], words[1]
    yield Message(
        "sanitizer", readable(text), start + first, "stack", process.tid, parts
    )
