"""Hash tables of hashbrown: control bytes, with the entries before them."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
)
from coresnap.analysis.pretty.rust.layout import number_at, short_name
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["table"]

_CHUNK = 4096
"""Control bytes read at once."""
_BUCKET_LIMIT = 1 << 24


def table(type: ValueType) -> Present | None:
    """``HashMap`` and ``HashSet``, of std and of hashbrown."""
    paths = ("table",), ("base", "table"), ("map", "table"), ("base", "map", "table")
    place = next((s for path in paths if (s := type.slot(*path)) is not None), None)
    entry = place.type.argument(0) if place is not None else None
    if place is None or entry is None or not entry.is_complete:
        return None
    names = ("ctrl", "bucket_mask", "items")
    slots = [number_at(place.type, ("table", name), (name,)) for name in names]
    key, mapped = entry.slot("__0"), entry.slot("__1")
    if None in slots or key is None or mapped is None:
        return None
    control, mask, items = (slot.within(place) for slot in slots if slot is not None)
    is_set = short_name(type) == "HashSet"

    def present(value: Value) -> Presentation:
        count, buckets = value.integer(items), value.integer(mask) + 1
        if buckets & buckets - 1 or not 0 <= count <= buckets:
            raise CorruptValueError(f"{count} entries in {buckets} buckets")
        found = _entries(value, entry, value.integer(control), (buckets, count))
        text = f"{short_name(type)} of {count}"
        if is_set:
            keys = ((f"[{i}]", one[key]) for i, one in enumerate(found))
            return Presentation(text, keys, count)
        pairs = ((one[key], one[mapped]) for one in found)
        return Presentation(text, pairs, count)

    return present


def _entries(
    value: Value, entry: ValueType, control: int, counts: tuple[int, int]
) -> Iterator[Value]:
    buckets, left = counts
    for start in range(0, min(buckets, _BUCKET_LIMIT), _CHUNK):
        if left <= 0:
            return
        size = min(_CHUNK, buckets - start)
        marks = value.type.decoder.process.read(control + start, size)
        for at, mark in enumerate(marks):
            if mark < 0x80 and left > 0:
                left -= 1
                yield value.at(control - (start + at + 1) * entry.size, entry)
    if left > 0:
        raise CorruptValueError("there are fewer entries than it says")
