"""Go's panics and fatal errors, from the frames of the run-time's functions.

``gopanic`` keeps the value in its frame as an interface (type, data); by the time that
it gives up it has made a string of it (``preprintpanics`` in ``runtime/panic.go``).
``throw`` and ``fatal`` have their string there (address, length). Of a type only the
kind is looked at (``runtime/type.go``), which has not moved since Go 1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable

__all__ = ["find_go_panic"]

_SEARCHED = 64
_FRAME_LIMIT = 1 << 10
_LONGEST = 1 << 14
_STRING, _KIND_MASK = 24, 31


def find_go_panic(process: DeadProcess) -> Iterator[Message]:
    """Yield the panic or fatal error that the crashed thread ended with.

    ``parts``: ``language``, ``function``, ``frame`` (index of the first one that is not
    the run-time's), and ``what`` if it was found.
    """
    frames = process.frames[:_SEARCHED]
    found = [i for i, frame in enumerate(frames) if frame.function in _READERS]
    if not found:
        return
    index = found[-1]
    function = frames[index].function or ""
    address, text = _text_of_frame(process, index, _READERS[function])
    outside = first_outside_libraries(frames[index + 1 :])
    parts = {
        "language": "Go",
        "function": function,
        "what": readable(text),
        "frame": "" if outside is None else str(index + 1 + outside),
    }
    yield Message(
        "panic",
        parts["what"] or f"{function} was called",
        address,
        "the run-time's frame",
        process.tid,
        {name: value for name, value in parts.items() if value},
    )


def _text_of_frame(
    process: DeadProcess,
    index: int,
    read: Callable[[DeadProcess, int, int], tuple[int, bytes]],
) -> tuple[int, bytes]:
    frames, word = process.frames, process.memory.pointer_size
    start = frames[index].stack_pointer
    end = frames[index + 1].stack_pointer if index + 1 < len(frames) else None
    if start is None or end is None:
        return 0, b""
    for address in range(start, min(end, start + _FRAME_LIMIT), word):
        found = read(process, process.word(address), process.word(address + word))
        if found[1]:
            return found
    return 0, b""


def _boxed(process: DeadProcess, kind: int, data: int) -> tuple[int, bytes]:
    """The string in an interface."""
    word = process.memory.pointer_size
    # _type: size, ptrdata, hash (4 bytes), tflag, align, fieldAlign, kind.
    found = process.memory.read_some(kind + 2 * word + 7, 1)
    if not found or found[0] & _KIND_MASK != _STRING:
        return 0, b""
    return _plain(process, process.word(data), process.word(data + word))


def _plain(process: DeadProcess, address: int, length: int) -> tuple[int, bytes]:
    if not 3 < length <= _LONGEST:
        return 0, b""
    text = process.memory.read_some(address, length)
    return (address, text) if len(text) == length and is_text(text) else (0, b"")


_READERS = {
    "runtime.gopanic": _boxed,
    "runtime.fatal": _plain,
    "runtime.throw": _plain,
    "runtime.fatalpanic": _boxed,
    "runtime.fatalthrow": _plain,
}
