"""Which pointer an allocator was asked to free when it gave up."""

from __future__ import annotations

from coresnap.analysis.classify.case import Case
from coresnap.analysis.messages.message import Message

__all__ = ["freed_pointer"]

_FREEING = frozenset({"free", "realloc", "cfree", "int_free", "int_realloc"})
_POINTERS = ("mem", "ptr", "oldmem")
"""What libraries call the argument."""
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
            if variable.name in _POINTERS and isinstance(variable.value, int):
                return variable.value
    return None
