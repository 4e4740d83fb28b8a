"""What many of the library's types share: wrappers around wrappers around a number."""

from __future__ import annotations

from coresnap.analysis.pretty.types import Slot, ValueType

__all__ = ["element_pointer", "inside", "number_at", "short_name"]


def inside(type: ValueType, *paths: tuple[str, ...]) -> Slot | None:
    """The first of ``paths`` that there is, without the wrappers around its value."""
    for path in paths:
        found = type.slot(*path)
        if found is not None:
            return found.type.innermost().within(found)
    return None


def number_at(type: ValueType, *paths: tuple[str, ...]) -> Slot | None:
    """The same, if it is a number or thin pointer."""
    found = inside(type, *paths)
    return found if found is not None and found.type.is_number else None


def element_pointer(type: ValueType) -> Slot | None:
    """The pointer to the elements of what has a RawVec, in any version of it."""
    return number_at(type, ("buf", "inner", "ptr"), ("buf", "ptr"))


def short_name(type: ValueType) -> str:
    """``HashMap`` of ``std::collections::hash::map::HashMap<K, V>``."""
    return type.bare_name.rpartition("::")[2]
