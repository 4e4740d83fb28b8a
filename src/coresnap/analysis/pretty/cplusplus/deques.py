"""Deques: blocks of equal size, found through a map of pointers."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.pretty.cplusplus.layout import unpaired
from coresnap.analysis.pretty.cplusplus.sequences import plausible
from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
    numbered,
)
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["deque"]


def deque(type: ValueType) -> Present | None:
    """``std::deque``: blocks of equal size, found through a map of pointers."""
    return _deque_libstdcxx(type) or _deque_libcxx(type)


def _deque_libstdcxx(type: ValueType) -> Present | None:
    paths = (
        *(("_M_start", part) for part in ("_M_cur", "_M_first", "_M_node")),
        *(("_M_finish", part) for part in ("_M_cur", "_M_first", "_M_node")),
    )
    slots = [type.slot("_M_impl", *path) for path in paths]
    places = [slot for slot in slots if slot is not None]
    if len(places) != len(paths) or places[0].type.target is None:
        return None
    element, word = places[0].type.target, places[0].type.size
    width = element.size
    # bits/stl_deque.h, __deque_buf_size.
    per_block = 512 // width if width < 512 else 1

    def present(value: Value) -> Presentation:
        cursor, first, node, end_cursor, end_first, end_node = (
            value.integer(place) for place in places
        )
        blocks = end_node - node
        skipped, last = (cursor - first) // width, (end_cursor - end_first) // width
        count = blocks // word * per_block + last - skipped
        if blocks % word or not 0 <= skipped < per_block or not 0 <= last < per_block:
            raise CorruptValueError("its blocks do not fit together")
        items = _Blocks(node, word, per_block).elements(
            value, element, skipped, plausible(count)
        )
        return Presentation(f"std::deque of {count}", numbered(items), count)

    return present


def _deque_libcxx(type: ValueType) -> Present | None:
    blocks = type.slot("__map_", "__begin_")
    start, size = type.slot("__start_"), unpaired(type, ("__size_",))
    element = type.argument(0)
    if blocks is None or start is None or size is None or element is None:
        return None
    width, word = element.size, blocks.type.size
    # <deque>, __deque_block_size.
    per_block = 4096 // width if 0 < width < 256 else 16

    def present(value: Value) -> Presentation:
        count = plausible(value.integer(size))
        places = _Blocks(value.integer(blocks), word, per_block)
        items = places.elements(value, element, value.integer(start), count)
        return Presentation(f"std::deque of {count}", numbered(items), count)

    return present


class _Blocks:
    """A map of pointers to blocks: its address, a pointer's size, elements each."""

    def __init__(self, address: int, word: int, per_block: int) -> None:
        self._address = address
        self._word = word
        self._per_block = per_block

    def elements(
        self, value: Value, element: ValueType, start: int, count: int
    ) -> Iterator[Value]:
        """``count`` elements from position ``start`` of the first block on."""
        while count > 0:
            block, at = divmod(start, self._per_block)
            address = value.word(self._address + block * self._word)
            here = min(count, self._per_block - at)
            yield from value.elements(element, address + at * element.size, here)
            start, count = start + here, count - here
