"""Ordered containers: red-black trees, walked from the smallest key on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from coresnap.analysis.pretty.cplusplus.layout import aligned, first_slot, unpaired
from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Item,
    Present,
    Presentation,
    numbered,
)
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["entries", "iterator", "map_entry", "ordered", "pair_slots"]

_HEIGHT_LIMIT = 128
"""Levels that no tree in 64 bits has."""


class _Shape(msgspec.Struct, frozen=True, eq=False):
    """Where things are in the nodes of one library."""

    left: int
    right: int
    parent: int
    value: int
    """Offset of the element."""


def pair_slots(element: ValueType) -> tuple[Slot, Slot] | None:
    """Key and value in what a map is made of."""
    for path in ((), ("__cc_",), ("__cc",)):
        first = element.slot(*path, "first")
        second = element.slot(*path, "second")
        if first is not None and second is not None:
            return first, second
    return None


def entries(
    values: Iterator[Value], pair: tuple[Slot, Slot] | None
) -> Iterable[Item | tuple[Value, Value]]:
    """Elements as items: with their keys if they are pairs."""
    if pair is None:
        return numbered(values)
    key, mapped = pair
    return ((value[key], value[mapped]) for value in values)


def ordered(type: ValueType) -> Present | None:
    """``std::map``, ``std::set`` and the ones that hold a key more than once."""
    is_map = type.bare_name.endswith("map")
    return _libstdcxx(type, is_map=is_map) or _libcxx(type, is_map=is_map)


def _libstdcxx(type: ValueType, *, is_map: bool) -> Present | None:
    tree = type.slot("_M_t")
    if tree is None:
        return None
    header, size = (
        tree.type.slot("_M_impl", n) for n in ("_M_header", "_M_node_count")
    )
    element = tree.type.argument(1)
    if header is None or size is None or element is None:
        return None
    offsets = [header.type.slot(f"_M_{name}") for name in ("left", "right", "parent")]
    if any(slot is None for slot in offsets):
        return None
    left, right, parent = (slot.offset for slot in offsets if slot is not None)
    shape = _Shape(left, right, parent, aligned(header.type.size, element))
    first = Slot(tree.offset + header.offset + left, offsets[0].type)  # type: ignore[union-attr]
    pair = pair_slots(element) if is_map else None
    if is_map and pair is None:
        return None
    return _presenter(
        type,
        _Tree(shape, first, size.within(tree), tree.offset + header.offset),
        element,
        pair,
    )


def _libcxx(type: ValueType, *, is_map: bool) -> Present | None:
    tree = type.slot("__tree_")
    if tree is None:
        return None
    begin = tree.type.slot("__begin_node_")
    end = unpaired(tree.type, ("__end_node_",), ("__pair1_",))
    size = unpaired(tree.type, ("__size_",), ("__pair3_",))
    element = tree.type.argument(0)
    if begin is None or end is None or size is None or element is None:
        return None
    word = begin.type.size
    # <__tree>: left, right, parent, a bool; the element may begin in its padding.
    shape = _Shape(0, word, 2 * word, aligned(3 * word + 1, element))
    pair = pair_slots(element) if is_map else None
    if is_map and pair is None:
        return None
    found = _Tree(
        shape, begin.within(tree), size.within(tree), tree.offset + end.offset
    )
    return _presenter(type, found, element, pair)


class _Tree(msgspec.Struct, frozen=True, eq=False):
    """Where a container keeps its tree."""

    shape: _Shape
    first: Slot
    size: Slot
    end: int
    """Offset of the node behind the last."""


def _presenter(
    type: ValueType, tree: _Tree, element: ValueType, pair: tuple[Slot, Slot] | None
) -> Present:
    name = type.bare_name

    def present(value: Value) -> Presentation:
        count = value.integer(tree.size)
        if value.address is None:
            raise CorruptValueError("it is not in memory")
        nodes = _walk(
            value,
            tree.shape,
            value.integer(tree.first),
            value.address + tree.end,
            count,
        )
        values = (value.at(node + tree.shape.value, element) for node in nodes)
        return Presentation(f"{name} of {count}", entries(values, pair), count)

    return present


def _walk(
    value: Value, shape: _Shape, node: int, end: int, count: int
) -> Iterator[int]:
    """Addresses of the nodes in order of their keys."""
    seen: set[int] = set()
    for _ in range(count):
        if node in (0, end):
            raise CorruptValueError("there are fewer nodes than it says")
        if node in seen:
            raise CorruptValueError(f"its nodes lead back to {node:#x}")
        seen.add(node)
        yield node
        node = _following(value, shape, node)


def _following(value: Value, shape: _Shape, node: int) -> int:
    below = value.word(node + shape.right)
    for _ in range(_HEIGHT_LIMIT):
        if below == 0:
            break
        node, below = below, value.word(below + shape.left)
        if below == 0:
            return node
    for _ in range(_HEIGHT_LIMIT):
        above = value.word(node + shape.parent)
        if above == 0 or value.word(above + shape.right) != node:
            return above
        node = above
    raise CorruptValueError("its nodes form no tree")


def iterator(type: ValueType) -> Present | None:
    """An iterator into an ordered container: the element that it stands at."""
    node = first_slot(type, ("_M_node",), ("__i_", "__ptr_"), ("__ptr_",))
    inner = type
    if type.bare_name in ("std::__map_iterator", "std::__map_const_iterator"):
        inner = type.argument(0) or type
    element = inner.argument(0)
    if node is None or element is None:
        return None
    word = node.type.size
    is_libcxx = type.slot("_M_node") is None
    reach = aligned(3 * word + 1 if is_libcxx else 4 * word, element)

    def present(value: Value) -> Presentation:
        address = value.integer(node)
        if not is_libcxx and address and _is_header(value, address, word):
            return Presentation("past the end", number=address)
        target = value.at(address + reach, element) if address else None
        return Presentation(None, target=target, number=address)

    return present


def _is_header(value: Value, node: int, word: int) -> bool:
    """Whether it is the node that libstdc++ keeps in the container itself: red, as no
    root is, and the parent of its parent."""
    color = value.type.decoder.process.read(node, 4)
    parent = value.word(node + word)
    return not any(color) and (parent == 0 or value.word(parent + word) == node)


def map_entry(type: ValueType) -> Present | None:
    """What libc++ wraps the pairs of a map in."""
    pair = first_slot(type, ("__cc_",), ("__cc",))
    return None if pair is None else lambda value: Presentation(like=value[pair])
