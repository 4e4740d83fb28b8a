"""GLib's containers, whose elements have no type that debug information tells."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
    Printer,
    numbered,
)
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["present"]

_COUNT_LIMIT = 10_000
_LENGTH_LIMIT = 1 << 40


def present(type: ValueType) -> Present | None:
    """How values of the type are presented; None if it is not one of the library's."""
    printer = _PRINTERS.get(type.name)
    return printer(type) if printer is not None else None


def _chain(value: Value, following: Slot) -> Iterator[Value]:
    seen = set()
    node = value
    while True:
        if node.address is not None and node.address in seen:
            raise CorruptValueError(f"its nodes lead back to {node.address:#x}")
        seen.add(node.address)
        yield node
        address = node.integer(following)
        if address == 0:
            return
        node = value.at(address, value.type)


def linked_list(type: ValueType) -> Present | None:
    """``GList`` and ``GSList``: what follows from this node on."""
    data, following = type.slot("data"), type.slot("next")
    if data is None or following is None or not following.type.is_pointer:
        return None
    name = type.name.lstrip("_")
    data = Slot(data.offset, data.type.plain)

    def show(value: Value) -> Presentation:
        nodes = _chain(value, following)
        return Presentation(name, numbered(node[data] for node in nodes))

    return show


def queue(type: ValueType) -> Present | None:
    """``GQueue``."""
    head, length = type.slot("head"), type.slot("length")
    node = head.type.target if head is not None else None
    data = node.slot("data") if node is not None else None
    following = node.slot("next") if node is not None else None
    if head is None or length is None or node is None:
        return None
    if data is None or following is None:
        return None
    data = Slot(data.offset, data.type.plain)

    def show(value: Value) -> Presentation:
        count, first = value.integer(length), value.integer(head)
        if (count == 0) != (first == 0):
            raise CorruptValueError(f"its length is {count}, its head {first:#x}")
        nodes = _chain(value.at(first, node), following) if count else iter(())
        items = numbered(node[data] for node in nodes)
        return Presentation(f"GQueue of {count}", items, count)

    return show


def pointer_array(type: ValueType) -> Present | None:
    """``GPtrArray``."""
    data, length = type.slot("pdata"), type.slot("len")
    element = data.type.target if data is not None else None
    if data is None or length is None or element is None:
        return None
    return _counted("GPtrArray", element.plain, data, length)


def _counted(name: str, element: ValueType, data: Slot, length: Slot) -> Present:
    def show(value: Value) -> Presentation:
        count = value.integer(length)
        found = value.elements(element, value.integer(data), count)
        return Presentation(f"{name} of {count}", numbered(found), count)

    return show


def string(type: ValueType) -> Present | None:
    """``GString``."""
    data, length = type.slot("str"), type.slot("len")
    room = type.slot("allocated_len")
    if data is None or length is None or room is None:
        return None

    def show(value: Value) -> Presentation:
        count = value.integer(length)
        if not count < max(value.integer(room), 1) < _LENGTH_LIMIT:
            raise CorruptValueError(f"its length is {count}, more than it has room for")
        text, cut = value.text(value.integer(data), count)
        return Presentation(text, contents=True, truncated=cut)

    return show


def array(type: ValueType) -> Present | None:
    """``GArray`` and ``GByteArray``: sizes, and the bytes of the latter."""
    data, length = type.slot("data"), type.slot("len")
    element = data.type.target if data is not None else None
    if data is None or length is None or element is None:
        return None
    if type.name == "_GByteArray":
        return _counted("GByteArray", element, data, length)

    def show(value: Value) -> Presentation:
        return Presentation(f"GArray of {value.integer(length)}")

    return show


def table(type: ValueType) -> Present | None:
    """``GHashTable``, where GLib's own debug information is there."""
    names = ("size", "nnodes", "keys", "values", "hashes")
    slots = [type.slot(name) for name in names]
    if any(slot is None for slot in slots):
        return None
    size, count, keys, values, hashes = (slot for slot in slots if slot is not None)
    # Both arrays are gpointers to gpointers: the type of one is that of its elements.
    pointer = keys.type.plain
    big = (type.slot("have_big_keys"), type.slot("have_big_values"))

    def show(value: Value) -> Presentation:
        number = value.integer(count)
        text = f"GHashTable of {number}"
        if any(slot is not None and not value.integer(slot) for slot in big):
            return Presentation(text)
        places = [value.integer(slot) for slot in (keys, values, hashes)]
        found = _entries(value, pointer, places, value.integer(size))
        return Presentation(text, found, number)

    return show


def _entries(
    value: Value, pointer: ValueType, places: list[int], size: int
) -> Iterator[tuple[Value, Value]]:
    keys, values, hashes = places
    width = pointer.size
    for index in range(min(size, _COUNT_LIMIT)):
        mark = value.type.decoder.process.read(hashes + 4 * index, 4)
        # 0: never used, 1: removed (glib/ghash.c).
        if any(mark[1:]) or mark[0] > 1:
            key = value.at(keys + index * width, pointer)
            yield key, value.at(values + index * width, pointer)


_PRINTERS: dict[str, Printer] = {
    "_GList": linked_list,
    "_GSList": linked_list,
    "_GQueue": queue,
    "_GPtrArray": pointer_array,
    "_GString": string,
    "_GArray": array,
    "_GByteArray": array,
    "_GHashTable": table,
}
