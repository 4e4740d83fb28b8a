"""Linked lists."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.pretty.cplusplus.layout import aligned, first_slot, unpaired
from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
    numbered,
)
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.errors import MemoryReadError

__all__ = ["chain", "forward_list", "linked_list"]

_COUNT_LIMIT = 10_000
"""Nodes that are counted where the list does not know its length."""


def chain(
    value: Value, first: int, end: int, reach: int | None = None
) -> Iterator[int]:
    """Addresses of nodes that begin with a pointer to the next one, up to ``end``.

    ``reach``: where in a node the pointer is. Raises ``CorruptValueError`` at a node
    that was there already, ``MemoryReadError`` at one that is not in the core.
    """
    seen = set()
    node = first
    while node != end:
        if node in seen:
            raise CorruptValueError(f"its nodes lead back to {node:#x}")
        if node == 0:
            raise CorruptValueError("a pointer to the next node is 0")
        seen.add(node)
        following = value.word(node + (reach or 0))
        yield node
        node = following


def linked_list(type: ValueType) -> Present | None:
    """``std::list``: a ring through a node that is part of the list."""
    header = first_slot(type, ("_M_impl", "_M_node"), ("__end_",))
    element = type.argument(0)
    if header is None or element is None:
        return None
    following = first_slot(header.type, ("_M_next",), ("__next_",))
    if following is None:
        return None
    word = following.type.size
    size = header.type.slot("_M_size")
    size = size.within(header) if size is not None else None
    size = size or unpaired(type, ("__size_",), ("__size_alloc_",))
    reach = aligned(2 * word, element)
    at_next = following.offset

    def present(value: Value) -> Presentation:
        if value.address is None:
            raise CorruptValueError("it is not in memory")
        ring = value.address + header.offset
        first = value.integer(following.within(header))
        count = value.integer(size) if size is not None else None
        if count is None:
            count = _count(chain(value, first, ring, at_next))
        nodes = chain(value, first, ring, at_next)
        items = (value.at(node + reach, element) for node in nodes)
        text = "std::list" if count is None else f"std::list of {count}"
        return Presentation(text, numbered(items), count)

    return present


def _count(nodes: Iterator[int]) -> int | None:
    count = 0
    try:
        for _ in nodes:
            count += 1
            if count > _COUNT_LIMIT:
                return None
    except (CorruptValueError, MemoryReadError):
        return None  # said again, and told, where the elements are read
    return count


def forward_list(type: ValueType) -> Present | None:
    """``std::forward_list``."""
    header = unpaired(type, ("_M_impl", "_M_head"), ("__before_begin_",))
    element = type.argument(0)
    if header is None or element is None:
        return None
    following = first_slot(header.type, ("_M_next",), ("__next_",))
    if following is None:
        return None
    place = following.within(header)
    reach = aligned(following.type.size, element)

    def present(value: Value) -> Presentation:
        first = value.integer(place)
        count = _count(chain(value, first, 0))
        nodes = chain(value, first, 0)
        items = (value.at(node + reach, element) for node in nodes)
        text = "std::forward_list" + ("" if count is None else f" of {count}")
        return Presentation(text, numbered(items), count)

    return present
