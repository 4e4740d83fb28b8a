"""Which pointer an allocator was asked to free when it gave up."""

from __future__ import annotations

from coresnap.analysis.classify.case import Case
from coresnap.analysis.messages.message import Message

__all__ = ["freed_pointer", "has_plain_header", "header_size"]

_FREEING = frozenset({"free", "realloc", "cfree", "int_free", "int_realloc"})
_POINTERS = ("mem", "ptr", "oldmem")
"""What libraries call the argument."""
_CHUNK = "p"
"""What glibc's _int_free calls the block with its header."""
_HEADER_WORDS = 2
_FLAGS = 7
_SEARCHED = 32
_DIGITS = 16


def freed_pointer(case: Case, message: Message) -> int | None:
    """What free or realloc was called with: by the message, else by its frame.

    None if neither says.
    """
    digits = message.parts.get("pointer", "").removeprefix("0x")
    if digits and len(digits) <= _DIGITS:
        return int(digits, 16)
    for frame in case.frames[:_SEARCHED]:
        name = (frame.function or "").removeprefix("__GI_").removeprefix("__libc_")
        if name.lstrip("_") not in _FREEING:
            continue
        for variable in frame.variables:
            if not isinstance(variable.value, int):
                continue
            if variable.name in _POINTERS:
                return variable.value
            if variable.name == _CHUNK and name.lstrip("_") == "int_free":
                return variable.value + header_size(case)
    return None


def header_size(case: Case) -> int:
    """Bytes of glibc's own before what malloc returns: two words."""
    return _HEADER_WORDS * case.core.memory.pointer_size


def has_plain_header(case: Case, pointer: int) -> bool | None:
    """Whether the size before a block of glibc can be one; None if it is not there."""
    word = case.core.memory.pointer_size
    data = case.core.memory.read_some(pointer - word, word)
    mapping = case.core.memory.find_mapping(pointer)
    if len(data) < word or mapping is None:
        return None
    size = int.from_bytes(data, case.core.memory.byte_order) & ~_FLAGS
    end = pointer - _HEADER_WORDS * word + size
    return size >= 2 * _HEADER_WORDS * word and end <= mapping.end
