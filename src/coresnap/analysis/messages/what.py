"""What a thrown object says: its ``what()``, or its own value, read without calling it.

``std::runtime_error`` and ``std::logic_error`` keep their text in a reference-counted
string behind the vtable (length, capacity, count, characters), in libstdc++ and libc++
alike. Classes that derive from ``std::exception`` themselves have a string of their own
there, mostly.
"""

from __future__ import annotations

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.thrown import Thrown
from coresnap.analysis.messages.wording import is_text

__all__ = ["STRINGS", "what_of"]

_LONGEST = 1 << 14
_EXCEPTION = "St9exception"
_COUNTED = frozenset({"St13runtime_error", "St11logic_error"})
_POINTERS = frozenset({"PKc", "Pc"})
_INTEGERS = {
    "b": (1, False),
    "c": (1, True),
    "h": (1, False),
    "s": (2, True),
    "t": (2, False),
    "i": (4, True),
    "j": (4, False),
    "l": (0, True),
    "m": (0, False),
    "x": (8, True),
    "y": (8, False),
}
"""Mangled name to bytes (0: those of a word) and sign."""
STRINGS = (
    "NSt7__cxx1112basic_stringIc",
    "NSt3__112basic_stringIc",
)
"""How the mangled name of ``std::string`` begins, by run-time."""


def what_of(
    process: DeadProcess, thrown: Thrown, name: str | None, bases: frozenset[str]
) -> bytes | None:
    """The text; None if the object has none, or none that we could be sure of."""
    size = process.memory.pointer_size
    if name in _INTEGERS:
        width, signed = _INTEGERS[name]
        data = process.memory.read_some(thrown.address, width or size)
        order = process.memory.byte_order
        return str(int.from_bytes(data, order, signed=signed)).encode()
    if name in _POINTERS:
        return _checked(process.text(process.word(thrown.address), _LONGEST))
    if name is not None and name.startswith(STRINGS):
        return _string(process, thrown.address, thrown.runtime)
    member = thrown.address + size
    counted = _counted_text(process, process.word(member))
    if counted is not None or bases & _COUNTED:
        return counted
    if _EXCEPTION not in bases:
        return None
    own = _string(process, member, thrown.runtime)
    if own is None:
        own = _checked(process.text(process.word(member), _LONGEST))
    return own


def _counted_text(process: DeadProcess, address: int) -> bytes | None:
    """The text of a reference-counted string, if its length agrees with it."""
    size = process.memory.pointer_size
    # The count is an int; on 64-bit machines it fills a word.
    length = process.word(address - 3 * size)
    capacity = process.word(address - 2 * size)
    if not 0 < length <= capacity or length > _LONGEST:
        return None
    data = process.memory.read_some(address, length + 1)
    text = data[:length]
    return text if data[length:] == b"\0" and is_text(text) else None


def _string(process: DeadProcess, address: int, runtime: str) -> bytes | None:
    """The text of a ``std::string``, if its length agrees with it."""
    size, order = process.memory.pointer_size, process.memory.byte_order
    if runtime == "libstdc++":
        return _sized(process, process.word(address), process.word(address + size))
    data = process.memory.read_some(address, 3 * size)
    if len(data) < 3 * size:
        return None
    is_long = data[0] & 1 if order == "little" else data[0] & 0x80
    if is_long:
        length = process.word(address + size)
        return _sized(process, process.word(address + 2 * size), length)
    short = data[0] >> 1 if order == "little" else data[0]
    return _sized(process, address + 1, short) if short < 3 * size else None


def _sized(process: DeadProcess, address: int, length: int) -> bytes | None:
    if not 0 < length <= _LONGEST:
        return None
    data = process.memory.read_some(address, length + 1)
    text = data[:length]
    return text if data[length:] == b"\0" and is_text(text) else None


def _checked(text: bytes | None) -> bytes | None:
    return text if text is not None and len(text) < _LONGEST and is_text(text) else None
