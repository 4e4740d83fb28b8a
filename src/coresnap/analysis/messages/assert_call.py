"""Failed assertions of C libraries that keep no message: the arguments of the call.

musl's ``__assert_fail(expression, file, line, function)`` (``src/exit/assert.c``),
FreeBSD's ``__assert(function, file, line, expression)`` (``lib/libc/gen/assert.c``) and
bionic's ``__assert2(file, line, function, expression)`` are called with constants.
Where the code is not there to be read, what was printed may be.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.messages.call_arguments import constant_arguments
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.printed_assertion import printed_assertion
from coresnap.analysis.messages.wording import is_text, readable

__all__ = ["find_assert_call"]

_ORDERS = {
    "__assert_fail": ("expression", "file", "line", "function"),
    "__assert": ("function", "file", "line", "expression"),
    "__assert2": ("file", "line", "function", "expression"),
}
_SEARCHED = 16
_LONGEST = 1 << 12
_LAST_LINE = 1 << 24


def find_assert_call(process: DeadProcess) -> Iterator[Message]:
    """Yield the assertion whose call stands on the crashed thread's stack, or whose
    text does.

    ``parts``: ``expression``, ``file``, ``line``, ``function``, as far as they are
    constants.
    """
    found = _called(process) or printed_assertion(process)
    if found is not None:
        yield found


def _called(process: DeadProcess) -> Message | None:
    frames = process.frames[:_SEARCHED]
    for index, frame in enumerate(frames[:-1]):
        order = _ORDERS.get(frame.function or "")
        if order is None:
            continue
        arguments = constant_arguments(
            process.memory, process.core.architecture.name, frames[index + 1].pc
        )
        parts, address = _parts(process, order, arguments)
        if "expression" in parts and len(parts) > 1:
            text = f"Assertion failed: {parts['expression']}"
            return Message(
                "assert", text, address, "call arguments", process.tid, parts
            )
        return None
    return None


def _parts(
    process: DeadProcess, order: tuple[str, ...], arguments: dict[int, int]
) -> tuple[dict[str, str], int]:
    """What the arguments say, and where the expression's text is."""
    parts: dict[str, str] = {}
    address = 0
    for number, name in enumerate(order):
        value = arguments.get(number)
        if value is None:
            continue
        if name == "line":
            if 0 < value < _LAST_LINE:
                parts[name] = str(value)
            continue
        text = process.text(value, _LONGEST)
        if text and is_text(text):
            parts[name] = readable(text)
            address = value if name == "expression" else address
    return parts, address
