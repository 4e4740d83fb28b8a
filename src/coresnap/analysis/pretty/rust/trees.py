"""B-trees."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
)
from coresnap.analysis.pretty.rust.layout import number_at, short_name
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["tree"]

_HEIGHT_LIMIT = 32
_CAPACITY = 11
"""Entries of a node: 2 B - 1 (alloc/src/collections/btree/node.rs)."""


class _Shape(msgspec.Struct, frozen=True, eq=False):
    """The nodes of one type of map."""

    leaf: ValueType
    length: Slot
    keys: Slot
    values: Slot
    key: ValueType
    value: ValueType
    edges: int
    """Offset of the children in a node that has them: it begins with a leaf."""


def tree(type: ValueType) -> Present | None:
    """``BTreeMap`` and ``BTreeSet``."""
    place = type.slot("map") or Slot(0, type)
    root, length = place.type.slot("root"), place.type.slot("length")
    some = root.type.nested("Some") if root is not None else None
    present_root = some.slot("__0") if some is not None else None
    # No address is 0, so that an absent root needs no room of its own.
    if root is None or length is None or present_root is None:
        return None
    root, node_ref = present_root.within(root), present_root.type
    height, node = number_at(node_ref, ("height",)), number_at(node_ref, ("node",))
    shape = _shape(place.type, node.type.target if node is not None else None)
    if height is None or node is None or shape is None:
        return None
    root, length = root.within(place), length.within(place)
    top, levels = node.within(root), height.within(root)
    name, is_set = short_name(type), type.slot("map") is not None

    def present(value: Value) -> Presentation:
        count = value.integer(length)
        address = value.integer(top)
        if count == 0:
            return Presentation(f"{name} of 0")
        if address == 0 or value.integer(levels) > _HEIGHT_LIMIT:
            raise CorruptValueError(f"{count} entries and no root")
        found = _entries(value, shape, address, value.integer(levels), set())
        if is_set:
            keys = ((f"[{i}]", key) for i, (key, _) in enumerate(found))
            return Presentation(f"{name} of {count}", keys, count)
        return Presentation(f"{name} of {count}", found, count)

    return present


def _shape(map_type: ValueType, leaf: ValueType | None) -> _Shape | None:
    key, value = map_type.argument(0), map_type.argument(1)
    if leaf is None or key is None or value is None or not leaf.is_complete:
        return None
    length, keys, values = (
        number_at(leaf, ("len",)),
        leaf.slot("keys"),
        leaf.slot("vals"),
    )
    if length is None or keys is None or values is None:
        return None
    word = leaf.decoder.graph.pointer_size
    edges = -(-leaf.size // word) * word
    return _Shape(leaf, length, keys, values, key, value, edges)


def _entries(
    value: Value, shape: _Shape, address: int, height: int, seen: set[int]
) -> Iterator[tuple[Value, Value]]:
    if address in seen:
        raise CorruptValueError(f"its nodes lead back to {address:#x}")
    seen.add(address)
    node = value.at(address, shape.leaf)
    count = node.integer(shape.length)
    if count > _CAPACITY:
        raise CorruptValueError(f"a node of {count} entries")
    word = value.type.decoder.graph.pointer_size
    for index in range(count + 1):
        if height > 0:
            child = value.word(address + shape.edges + index * word)
            yield from _entries(value, shape, child, height - 1, seen)
        if index < count:
            key = Slot(shape.keys.offset + index * shape.key.size, shape.key)
            mapped = Slot(shape.values.offset + index * shape.value.size, shape.value)
            yield node[key], node[mapped]
