"""Containers whose elements stand side by side."""

from __future__ import annotations

from coresnap.analysis.pretty.cplusplus.layout import first_slot, unpaired
from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
    numbered,
)
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = [
    "adaptor",
    "array",
    "bitset",
    "iterator",
    "plausible",
    "safe_iterator",
    "span",
    "vector",
]

_SIZE_LIMIT = 1 << 48
"""Elements that no container has: the address space ends before."""
_WORD_BITS = 64


def plausible(count: int) -> int:
    """``count``, if a container may have so many elements."""
    if not 0 <= count < _SIZE_LIMIT:
        raise CorruptValueError(f"it would have {count} elements")
    return count


def vector(type: ValueType) -> Present | None:
    """``std::vector``, and of bool."""
    start = first_slot(type, ("_M_impl", "_M_start"), ("__begin_",))
    end = first_slot(type, ("_M_impl", "_M_finish"), ("__end_",))
    limit = unpaired(
        type, ("_M_impl", "_M_end_of_storage"), ("__cap_",), ("__end_cap_",)
    )
    if start is None:
        return None
    if start.type.slot("_M_offset") is not None:
        return _bits_libstdcxx(type)
    if end is None:
        return _bits_libcxx(type)
    element = start.type.target
    if element is None or limit is None or not element.is_complete or not element.size:
        return None
    return _range_presenter("std::vector", element, (start, end, limit))


def _range_presenter(
    name: str, element: ValueType, places: tuple[Slot, Slot, Slot]
) -> Present:
    start, end, limit = places
    width = element.size

    def present(value: Value) -> Presentation:
        first, last, most = (value.integer(place) for place in (start, end, limit))
        if not first <= last <= most:
            raise CorruptValueError(f"it begins at {first:#x} and ends at {last:#x}")
        if (last - first) % width:
            raise CorruptValueError("its end is inside of an element")
        count, capacity = (last - first) // width, (most - first) // width
        if first == 0 and count:
            raise CorruptValueError("elements at address 0")
        return Presentation(
            f"{name} of {count}, capacity {capacity}",
            numbered(value.elements(element, first, count)),
            plausible(count),
        )

    return present


def _bits_libstdcxx(type: ValueType) -> Present | None:
    places = [
        type.slot("_M_impl", member, part)
        for member in ("_M_start", "_M_finish")
        for part in ("_M_p", "_M_offset")
    ]
    if any(place is None for place in places):
        return None
    start, offset, end, rest = (place for place in places if place is not None)

    def present(value: Value) -> Presentation:
        first, last = value.integer(start), value.integer(end)
        count = (last - first) * 8 + value.integer(rest) - value.integer(offset)
        return _bits(value, first, plausible(count))

    return present


def _bits_libcxx(type: ValueType) -> Present | None:
    start, size = type.slot("__begin_"), type.slot("__size_")
    if start is None or size is None:
        return None

    def present(value: Value) -> Presentation:
        return _bits(value, value.integer(start), plausible(value.integer(size)))

    return present


def _bits(value: Value, address: int, count: int) -> Presentation:
    decoder = value.type.decoder
    size = min(-(-count // 8), decoder.limits.text // 8)
    data = decoder.process.read(address, -(-size // 8) * 8) if size else b""
    number = sum(
        int.from_bytes(data[at : at + 8], "little" if decoder.little_endian else "big")
        << at * 8
        for at in range(0, len(data), 8)
    )
    shown = min(count, size * 8)
    digits = "".join("01"[number >> at & 1] for at in range(shown))
    text = f"std::vector of {count} bits" + (f": {digits}" if digits else "")
    return Presentation(text, truncated=shown < count)


def array(type: ValueType) -> Present | None:
    """``std::array``."""
    elements = first_slot(type, ("_M_elems",), ("__elems_",))
    if elements is None or elements.type.element is None:
        return None
    element = elements.type.element
    if not element.size:
        return None
    count = elements.type.size // element.size

    def present(value: Value) -> Presentation:
        inner = value[elements]
        width = element.size
        parts = (
            inner[Slot(index * width, element)]
            for index in range(min(count, value.type.decoder.limits.elements + 1))
        )
        return Presentation(f"std::array of {count}", numbered(parts), count)

    return present


def span(type: ValueType) -> Present | None:
    """``std::span`` and ``std::initializer_list``: a pointer and a count."""
    start = first_slot(type, ("_M_ptr",), ("_M_array",), ("__data",), ("__data_",))
    start = start or type.slot("__begin_")
    if start is None or start.type.target is None or not start.type.target.size:
        return None
    element = start.type.target
    size = first_slot(
        type, ("_M_extent", "_M_extent_value"), ("_M_len",), ("__size",), ("__size_",)
    )
    extent = type.constant(1)
    if size is None and extent is None:
        return None
    name = type.bare_name

    def present(value: Value) -> Presentation:
        count = value.integer(size) if size is not None else extent or 0
        items = numbered(value.elements(element, value.integer(start), count))
        return Presentation(f"{name} of {count}", items, plausible(count))

    return present


def adaptor(type: ValueType) -> Present | None:
    """``std::stack``, ``std::queue`` and ``std::priority_queue``."""
    container = type.slot("c")
    if container is None:
        return None
    name = type.bare_name
    return lambda value: Presentation(name, like=value[container])


def bitset(type: ValueType) -> Present | None:
    """``std::bitset``: its digits, the highest first."""
    words = first_slot(type, ("_M_w",), ("__first_",))
    count = type.constant(0)
    if words is None or count is None or not 0 < count <= words.type.size * 8:
        return None
    order = type.decoder.little_endian
    word = type.decoder.graph.pointer_size

    def present(value: Value) -> Presentation:
        data = value[words].raw
        number = sum(
            int.from_bytes(data[at : at + word], "little" if order else "big") << at * 8
            for at in range(0, len(data), word)
        )
        digits = f"{number & (1 << count) - 1:0{count}b}"
        return Presentation(f"std::bitset of {count}: {digits}")

    return present


def iterator(type: ValueType) -> Present | None:
    """An iterator that is a pointer."""
    place = first_slot(type, ("_M_current",), ("__i",), ("__i_",))
    if place is None or not place.type.is_pointer:
        return None
    return lambda value: Presentation(like=value[place])


def safe_iterator(type: ValueType) -> Present | None:
    """An iterator of the debug mode: the one that it checks."""
    if not type.bases:
        return None
    checked = type.bases[0]
    return lambda value: Presentation(like=value[checked])
