"""Vectors, slices and tuples."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Item,
    Present,
    Presentation,
    numbered,
)
from coresnap.analysis.pretty.rust.layout import element_pointer, number_at
from coresnap.analysis.pretty.rust.texts import text
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["deque", "elements", "unnamed", "vector"]

_SIZE_LIMIT = 1 << 48
_TUPLE_LIMIT = 64


def elements(value: Value, type: ValueType, address: int, count: int) -> Iterator[Item]:
    """Values side by side; those without size are nowhere."""
    if not 0 <= count < _SIZE_LIMIT and type.size:
        raise CorruptValueError(f"it would have {count} elements")
    found = (
        value.elements(type, address, count)
        if type.size
        else (Value(type, None, b"") for _ in range(count))
    )
    return numbered(found)


def vector(type: ValueType) -> Present | None:
    """``Vec``."""
    data, length = element_pointer(type), number_at(type, ("len",))
    capacity = number_at(type, ("buf", "inner", "cap"), ("buf", "cap"))
    element = type.argument(0)
    if data is None or length is None or capacity is None or element is None:
        return None
    if not element.is_complete:
        return None

    def present(value: Value) -> Presentation:
        count, room = value.integer(length), value.integer(capacity)
        if element.size == 0:
            return Presentation(f"Vec of {count}", elements(value, element, 0, count))
        if count > room:
            raise CorruptValueError(f"{count} elements where {room} have room")
        items = elements(value, element, value.integer(data), count)
        return Presentation(f"Vec of {count}, capacity {room}", items, count)

    return present


def deque(type: ValueType) -> Present | None:
    """``VecDeque``: a ring."""
    data, head = element_pointer(type), number_at(type, ("head",))
    capacity = number_at(type, ("buf", "inner", "cap"), ("buf", "cap"))
    # Until Rust 1.66 with the end of the ring in place of the length.
    length, tail = number_at(type, ("len",)), number_at(type, ("tail",))
    element = type.argument(0)
    if data is None or head is None or capacity is None or element is None:
        return None
    if (length is None and tail is None) or not element.is_complete or not element.size:
        return None

    def present(value: Value) -> Presentation:
        room, first = value.integer(capacity), value.integer(head)
        if length is not None:
            count = value.integer(length)
        else:
            assert tail is not None
            first, end = value.integer(tail), first
            count = (end - first) % room if room else 0
        if count > room or (count and first >= room):
            raise CorruptValueError(f"{count} elements from {first} on of {room}")
        items = _ring(value, element, value.integer(data), (first, count, room))
        return Presentation(f"VecDeque of {count}, capacity {room}", items, count)

    return present


def _ring(
    value: Value, element: ValueType, address: int, ring: tuple[int, int, int]
) -> Iterator[Item]:
    first, count, room = ring
    near = min(count, room - first)
    start = address + first * element.size
    for index, one in enumerate(value.elements(element, start, near)):
        yield f"[{index}]", one
    for index, one in enumerate(value.elements(element, address, count - near), near):
        yield f"[{index}]", one


def unnamed(type: ValueType) -> Present | None:
    """Slices, ``str``, and tuples, in whatever holds them."""
    return _slice(type) or _tuple(type)


def _slice(type: ValueType) -> Present | None:
    data, length = type.slot("data_ptr"), type.slot("length")
    if data is None or length is None or len(type.members) != 2:
        return None
    element = data.type.target
    if element is None or not element.is_complete:
        return None
    is_text = type.name.endswith("str") or "<str" in type.name

    def present(value: Value) -> Presentation:
        address, count = value.integer(data), value.integer(length)
        if is_text and element.size == 1:
            return text(value, address, count)
        items = elements(value, element, address, count)
        return Presentation(f"slice of {count}", items, count)

    return present


def _tuple(type: ValueType) -> Present | None:
    names = [f"__{index}" for index in range(min(len(type.members), _TUPLE_LIMIT))]
    if not type.name.startswith("(") or not names or list(type.members) != names:
        return None
    slots = [type.slot(name) for name in names]

    def present(value: Value) -> Presentation:
        parts = [value[slot] for slot in slots if isinstance(slot, Slot)]
        return Presentation(None, numbered(parts), len(parts))

    return present
