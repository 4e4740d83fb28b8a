"""Rust's panics: the message and the place, from the stack of the panic's functions.

``std::panicking`` passes both on by reference: the place as ``&'static Location`` (file
name, line, column: ``core/src/panic/location.rs``), the message as a slice or a
``String`` (address, length). No layout of a frame is needed: what a ``Location`` points
to can hardly be anything else, and the same one is passed from function to function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

import msgspec

from coresnap.analysis.callers import first_outside_libraries, is_of_a_runtime
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable
from coresnap.model import Frame

__all__ = ["find_rust_panic"]

_PANICKING = (
    "core::panicking::",
    "rust_begin_unwind",
    "rust_panic",
    "std::panicking::begin_panic",
    "std::panicking::panic_",
    "std::panicking::rust_panic",
)
_SEARCHED = 64
_REACH = 1 << 13
"""Bytes of the stack in which the panic's functions stand."""
_LONGEST_PATH = 1024
_LONGEST = 1 << 14
_LAST_LINE = 1 << 24
_LAST_COLUMN = 1 << 16


class _Location(msgspec.Struct, frozen=True):
    file: str
    line: int
    column: int


def find_rust_panic(process: DeadProcess) -> Iterator[Message]:
    """Yield the panic that the crashed thread ended with.

    ``parts``: ``file``, ``line``, ``column``, ``what``, ``language``, ``frame`` (index
    of the function that panicked), and ``state``: ``unknown`` if nothing has a name.
    """
    frames = process.frames[:_SEARCHED]
    panicking = [i for i, f in enumerate(frames) if _panics(f)]
    if not panicking and not _is_nameless(frames):
        return
    words = _inner_words(process)
    index, location = _passed_location(process, words)
    address, text = _first_text(process, words[index:]) if location else (0, b"")
    if not panicking and not text:
        return
    parts = {
        "what": readable(text),
        "language": "Rust",
        "state": "" if panicking else "unknown",
    }
    if panicking:
        outside = first_outside_libraries(frames[panicking[-1] :])
        parts["frame"] = "" if outside is None else str(panicking[-1] + outside)
    if location is not None:
        parts["file"] = location.file
        parts["line"] = str(location.line)
        parts["column"] = str(location.column)
    yield Message(
        "panic",
        parts["what"] or "a panic whose message was not found",
        address,
        "stack",
        process.tid,
        {name: value for name, value in parts.items() if value},
    )


def _panics(frame: Frame) -> bool:
    return (frame.function or "").startswith(_PANICKING)


def _is_nameless(frames: Sequence[Frame]) -> bool:
    """Whether the functions that called abort(3) have no names."""
    called = [frame for frame in frames if not is_of_a_runtime(frame)]
    return len(called) > 1 and all(frame.function is None for frame in called[:8])


def _inner_words(process: DeadProcess) -> list[tuple[int, int]]:
    count = _REACH // process.memory.pointer_size
    return list(islice(process.stack_words(), count))


def _passed_location(
    process: DeadProcess, words: Sequence[tuple[int, int]]
) -> tuple[int, _Location | None]:
    """Index of the first word that points to the innermost ``Location`` which is there
    more than once, and what it says."""
    seen: dict[int, int] = {}
    for index, (_, word) in enumerate(words):
        if word in seen:
            return seen[word], _location(process, word)
        if _location(process, word) is not None:
            seen[word] = index
    return 0, None


def _location(process: DeadProcess, address: int) -> _Location | None:
    memory = process.memory
    size = memory.pointer_size
    if address % size or memory.find_mapping(address) is None:
        return None
    length = process.word(address + size)
    if not 3 < length <= _LONGEST_PATH:
        return None
    name = memory.read_some(process.word(address), length)
    # Newer versions count the NUL behind it.
    name = name.removesuffix(b"\0")
    if not name.endswith(b".rs") or not is_text(name):
        return None
    place = memory.read_some(address + 2 * size, 8)
    line = int.from_bytes(place[:4], memory.byte_order)
    column = int.from_bytes(place[4:], memory.byte_order)
    if not 0 < line <= _LAST_LINE or not 0 < column <= _LAST_COLUMN:
        return None
    return _Location(readable(name), line, column)


def _first_text(
    process: DeadProcess, words: Sequence[tuple[int, int]]
) -> tuple[int, bytes]:
    """Address and bytes of the first text that a word and the next one describe."""
    for (_, address), (_, length) in pairwise(words):
        if 3 < length <= _LONGEST and process.memory.find_mapping(address) is not None:
            text = process.memory.read_some(address, length)
            if len(text) == length and is_text(text):
                return address, text
    return 0, b""
