"""Layouts that many of the library's types share."""

from __future__ import annotations

from coresnap.analysis.pretty.types import Slot, ValueType

__all__ = ["aligned", "first_slot", "unpaired"]


def aligned(offset: int, type: ValueType) -> int:
    """The first offset at or behind ``offset`` where a value of ``type`` may be."""
    return -(-offset // type.alignment) * type.alignment


def first_slot(type: ValueType, *paths: tuple[str, ...]) -> Slot | None:
    """The first of ``paths`` that ``type`` has."""
    return next((s for path in paths if (s := type.slot(*path)) is not None), None)


def unpaired(type: ValueType, *paths: tuple[str, ...], index: int = 0) -> Slot | None:
    """The first of ``paths`` that there is, out of its compressed pair if in one.

    libc++ kept members beside their allocators in pairs until version 20; ``index``
    says which of the two is meant.
    """
    found = first_slot(type, *paths)
    if found is None or found.type.bare_name != "std::__compressed_pair":
        return found
    if len(found.type.bases) <= index:
        return None
    element = found.type.bases[index].within(found)
    value = element.type.slot("__value_")
    return None if value is None else value.within(element)
