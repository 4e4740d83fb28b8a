"""Unordered containers: hash tables whose nodes form one chain."""

from __future__ import annotations

from coresnap.analysis.pretty.cplusplus.layout import aligned, first_slot, unpaired
from coresnap.analysis.pretty.cplusplus.linked import chain
from coresnap.analysis.pretty.cplusplus.trees import entries, pair_slots
from coresnap.analysis.pretty.presentation import Present, Presentation
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["iterator", "unordered"]


def unordered(type: ValueType) -> Present | None:
    """``std::unordered_map``, ``_set`` and the ones that hold a key more than once."""
    table = first_slot(type, ("_M_h",), ("__table_",))
    if table is None:
        return None
    found = _libstdcxx(table.type) or _libcxx(table.type)
    if found is None:
        return None
    first, size, element, reach = found
    pair = pair_slots(element) if type.bare_name.endswith("map") else None
    if type.bare_name.endswith("map") and pair is None:
        return None
    return _presenter(
        type.bare_name, (first.within(table), size.within(table)), element, pair, reach
    )


_Found = tuple[Slot, Slot, ValueType, int]
"""Pointer to the first node, number of elements, element, its offset in a node."""


def _libstdcxx(table: ValueType) -> _Found | None:
    first = table.slot("_M_before_begin", "_M_nxt")
    size = table.slot("_M_element_count")
    element = table.argument(1)
    if first is None or size is None or element is None:
        return None
    return first, size, element, aligned(first.type.size, element)


def _libcxx(table: ValueType) -> _Found | None:
    head = unpaired(table, ("__first_node_",), ("__p1_",))
    size = unpaired(table, ("__size_",), ("__p2_",))
    element = table.argument(0)
    first = head.type.slot("__next_") if head is not None else None
    if head is None or first is None or size is None or element is None:
        return None
    # <__hash_table>: next, hash, element.
    return first.within(head), size, element, aligned(2 * first.type.size, element)


def _presenter(
    name: str,
    places: tuple[Slot, Slot],
    element: ValueType,
    pair: tuple[Slot, Slot] | None,
    reach: int,
) -> Present:
    first, size = places

    def present(value: Value) -> Presentation:
        count = value.integer(size)
        nodes = chain(value, value.integer(first), 0)
        values = (value.at(node + reach, element) for node in nodes)
        return Presentation(f"{name} of {count}", entries(values, pair), count)

    return present


def iterator(type: ValueType) -> Present | None:
    """An iterator into an unordered container: the element that it stands at."""
    node = first_slot(type, ("_M_cur",), ("__i_", "__node_"), ("__node_",))
    if node is None:
        return None
    if type.slot("_M_cur") is not None:
        element, reach = type.argument(0), node.type.size
    else:
        element, reach = _node_element(type), 2 * node.type.size
    if element is None:
        return None
    reach = aligned(reach, element)

    def present(value: Value) -> Presentation:
        address = value.integer(node)
        target = value.at(address + reach, element) if address else None
        return Presentation(None, target=target, number=address)

    return present


def _node_element(type: ValueType) -> ValueType | None:
    """The value of a node of libc++: argument of a pointer's target, argument of an
    iterator, which for a map is the argument of another."""
    found: ValueType | None = type
    for _ in range(3):
        found = found.argument(0) if found is not None else None
        target = found.target if found is not None else None
        if target is not None and target.bare_name == "std::__hash_node":
            return target.argument(0)
    return None
