"""How conclusions speak of addresses: what is there or near, what they look like."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coresnap.elfcore.elfheader import ByteOrder
    from coresnap.elfcore.memory import Memory
    from coresnap.model import Mapping

__all__ = ["look_alike", "mapping_words", "nearest_words", "printable"]

_FIRST_POINTER = 0x1_0000
_SECONDS = 1_000_000_000, 2_200_000_000
"""2001 to 2039: a time in seconds; a thousand times that in milliseconds, and so on."""
_UNITS = {
    1: "seconds",
    1000: "milliseconds",
    10**6: "microseconds",
    10**9: "nanoseconds",
}
_LIKELY_FLOATS = 1e-6, 1e15
_LEAST_TEXT = 4


def mapping_words(mapping: Mapping) -> str:
    """Return what a mapping is: ``rw- [stack] 0x7ffc…–0x7ffd…``."""
    name = mapping.path or "anonymous memory"
    return f"{mapping.permissions} {name} {mapping.start:#x}–{mapping.end:#x}"


def nearest_words(address: int, mappings: Sequence[Mapping]) -> str:
    """Return how far the nearest mapping is; ``mappings`` are by ascending address."""
    below = max((m for m in mappings if m.end <= address), default=None, key=_end)
    above = min((m for m in mappings if m.start > address), default=None, key=_start)
    texts = []
    if below is not None:
        distance = address - below.end
        texts.append(f"{distance:#x} bytes behind {mapping_words(below)}")
    if above is not None:
        distance = above.start - address
        texts.append(f"{distance:#x} bytes before {mapping_words(above)}")
    if below is not None and above is not None:
        behind, before = address - below.end, above.start - address
        texts = texts[:1] if behind < before else texts[1:]
    return texts[0] if texts else "nothing is mapped at all"


def _end(mapping: Mapping) -> int:
    return mapping.end


def _start(mapping: Mapping) -> int:
    return mapping.start


def printable(value: int, size: int, byte_order: ByteOrder = "little") -> str | None:
    """The bytes of a word as text, if all up to its zeros are printable; else None."""
    text = value.to_bytes(size, byte_order).rstrip(b"\0")
    if len(text) < _LEAST_TEXT or not all(32 <= byte < 127 for byte in text):
        return None
    return text.decode("ascii")


def look_alike(value: int, memory: Memory) -> str | None:
    """Return what an invalid pointer resembles; None if nothing we know."""
    size, mask = memory.pointer_size, (1 << 8 * memory.pointer_size) - 1
    text = printable(value, size, memory.byte_order)
    if text is not None:
        return f"the text {text!r}"
    if value < _FIRST_POINTER or value > mask - _FIRST_POINTER:
        number = value if value < _FIRST_POINTER else value - mask - 1
        return f"the small number {number}"
    half = _half(value, memory)
    if half is not None:
        return half
    for factor, unit in _UNITS.items():
        if _SECONDS[0] * factor <= value < _SECONDS[1] * factor:
            return f"a time in {unit} since 1970"
    return _number(value) if size == 8 else None


def _half(value: int, memory: Memory) -> str | None:
    """A pointer one half of which was written over."""
    if memory.pointer_size != 8:
        return None
    low, high = value & 0xFFFFFFFF, value >> 32
    for mapping in memory.mappings:
        if high == 0 and mapping.start >> 32 and _low_fits(low, mapping):
            return f"the lower half of an address in {mapping_words(mapping)}"
        if low < _FIRST_POINTER and high == mapping.start >> 32 != 0:
            return (
                f"an address in {mapping_words(mapping)} with its lower half replaced"
            )
    return None


def _low_fits(low: int, mapping: Mapping) -> bool:
    same_high = mapping.start >> 32 == (mapping.end - 1) >> 32
    start, end = mapping.start & 0xFFFFFFFF, (mapping.end - 1) & 0xFFFFFFFF
    return same_high and start <= low <= end


def _number(value: int) -> str | None:
    (number,) = struct.unpack("<d", value.to_bytes(8, "little"))
    if _LIKELY_FLOATS[0] <= abs(number) <= _LIKELY_FLOATS[1]:
        return f"the floating-point number {number:.6g}"
    return None
